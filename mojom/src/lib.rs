//! mojom compiler
