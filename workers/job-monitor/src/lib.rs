//! The job-monitor worker.
