//! The HTTP face: one loopback port for all services.
