"""Research datasets: their rows, what speaks against them, and when a window may be learnt from or selected on."""
