//! What drs-fleet decides, without any I/O: ids, events, observations, incidents, messages.
