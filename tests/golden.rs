//! Every file in `events/` is read, decided and compared.
