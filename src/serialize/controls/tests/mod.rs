//! Controls against a model, against themselves, and against packets that nobody should send.
