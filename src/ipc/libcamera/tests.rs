//! Connections to scripted peers.
