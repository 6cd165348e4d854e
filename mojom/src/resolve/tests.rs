//! Every diagnostic of the resolver.
