"""How sure a figure is: proteins drawn again with replacement, intervals, and two methods on the same draws."""
