"""What watches the workers: their reports, the supervisor's judgement, one answer for the host."""
