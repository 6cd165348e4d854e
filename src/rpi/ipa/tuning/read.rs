//! Access to JSON values that knows where it is, so that an error can say so.

use serde_json::Value;

use super::TuningError;
use crate::rpi::ipa::piecewise::Piecewise;

/// A value and its path inside the file.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    /// The whole file; its members' paths start with their own names.
    pub fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// An error that says what should stand here.
    pub fn unexpected(&self, expected: &str) -> TuningError {
        let found = match self.value {
            Value::Array(items) => format!("a list of {}", items.len()),
            Value::Object(members) => format!("an object with {} members", members.len()),
            other => other.to_string(),
        };
        let at = if self.path.is_empty() { "the file" } else { &self.path };
        TuningError::Value { at: at.to_owned(), expected: expected.to_owned(), found }
    }

    /// An error for something that should be a member of this object and is not there.
    pub fn missing(&self, key: &str, expected: &str) -> TuningError {
        TuningError::Value { at: self.join(key), expected: expected.to_owned(), found: "nothing".to_owned() }
    }

    fn join(&self, key: &str) -> String {
        // The names of blocks (`rpi.awb`) are unique: the list they stand in adds nothing.
        if self.path.is_empty() || key.starts_with("rpi.") {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The members of an object, in the order of the file.
    pub fn entries(&self) -> Result<Vec<(&'a str, Node<'a>)>, TuningError> {
        let Value::Object(members) = self.value else { return Err(self.unexpected("an object")) };
        Ok(members.iter().map(|(key, value)| (key.as_str(), Node { value, path: self.join(key) })).collect())
    }

    /// A member that may be missing.
    pub fn find(&self, key: &str) -> Result<Option<Node<'a>>, TuningError> {
        let Value::Object(members) = self.value else { return Err(self.unexpected("an object")) };
        Ok(members.get(key).map(|value| Node { value, path: self.join(key) }))
    }

    /// A member that must be there.
    pub fn get(&self, key: &str) -> Result<Node<'a>, TuningError> {
        self.find(key)?.ok_or_else(|| self.missing(key, "a value"))
    }

    /// The items of a list.
    pub fn list(&self) -> Result<Vec<Node<'a>>, TuningError> {
        let Value::Array(items) = self.value else { return Err(self.unexpected("a list")) };
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Node { value, path: format!("{}[{index}]", self.path) })
            .collect())
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str, TuningError> {
        self.value.as_str().ok_or_else(|| self.unexpected("a text"))
    }

    /// A finite number.
    pub fn number(&self) -> Result<f64, TuningError> {
        self.value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| self.unexpected("a number"))
    }

    /// A number from `low` to `high`, both included.
    pub fn within(&self, low: f64, high: f64) -> Result<f64, TuningError> {
        let number = self.number()?;
        if (low..=high).contains(&number) {
            return Ok(number);
        }
        Err(self.unexpected(&format!("a number from {low} to {high}")))
    }

    /// A number above zero.
    pub fn positive(&self) -> Result<f64, TuningError> {
        let number = self.number()?;
        if number > 0.0 { Ok(number) } else { Err(self.unexpected("a number above zero")) }
    }

    /// A whole number from zero to a million.
    pub fn count(&self) -> Result<u32, TuningError> {
        let number = self.within(0.0, 1e6)?;
        if number.fract() == 0.0 { Ok(number as u32) } else { Err(self.unexpected("a whole number")) }
    }

    /// A switch: `true` and `false`, or a number of which zero means off.
    pub fn switch(&self) -> Result<bool, TuningError> {
        match self.value {
            Value::Bool(on) => Ok(*on),
            Value::Number(_) => Ok(self.number()? != 0.0),
            _ => Err(self.unexpected("true, false, 0 or 1")),
        }
    }

    /// Member `key` by `read`, or `default` if it is missing.
    pub fn or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Node<'a>) -> Result<T, TuningError>,
    ) -> Result<T, TuningError> {
        self.find(key)?.map_or(Ok(default), |node| read(&node))
    }

    /// A list of at least `least` numbers, a multiple of `width` long.
    pub fn table(&self, width: usize, least: usize) -> Result<Vec<Node<'a>>, TuningError> {
        let items = self.list()?;
        if items.len() < least || !items.len().is_multiple_of(width) {
            return Err(self.unexpected(&format!("a list of at least {least} numbers in groups of {width}")));
        }
        Ok(items)
    }

    /// A flat list x, y, x, y, … with x rising strictly.
    pub fn piecewise(&self) -> Result<Piecewise, TuningError> {
        let items = self.table(2, 2)?;
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(items.len() / 2);
        for pair in items.chunks_exact(2) {
            let (x, y) = (pair[0].number()?, pair[1].number()?);
            if let Some(&(last, _)) = points.last()
                && x <= last
            {
                return Err(pair[0].unexpected(&format!("a number above {last}, the one before it")));
            }
            points.push((x, y));
        }
        Piecewise::new(points).ok_or_else(|| self.unexpected("pairs of numbers"))
    }
}
