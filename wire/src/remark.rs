//! What a decoder has to tell about bytes that it accepts.

/// The most remarks on one value. What has more is not worth reading.
const MOST: usize = 32;

/// Remarks, each with its offset.
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<String>);

impl Remarks {
    pub fn add(&mut self, offset: usize, what: impl FnOnce() -> String) {
        if self.0.len() < MOST {
            self.0.push(format!("at offset {offset}: {}", what()));
        } else if self.0.len() == MOST {
            self.0.push("and so on".to_owned());
        }
    }

    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}
