"""What runs the assets: resources, jobs, schedules, and the command line behind make."""
