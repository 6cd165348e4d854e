//! Nothing: the benches of this package are in `benches/`, and what they compare is a development dependency.
