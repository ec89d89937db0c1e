//! The test double is tested too, above all the faults that it exists to inject.
