//! Stub.
/// Stub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct ControlError;
/// Stub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControlList;
/// Stub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControlInfoMap;
/// Stub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControlInfo;
/// Stub.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControlValue;
