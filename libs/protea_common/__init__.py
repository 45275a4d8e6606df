"""What two or more PROTEA services share: contracts, tables, jobs, messaging, storage and telemetry."""
