//! Encodes and decodes what crosses a connection, without generated code: from the checked model of an interface.

#![forbid(unsafe_code)]
