//! Every interleaving of a tape's writer and a reader that it laps, as far as the model checker can walk.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;
use ringfence_model::{TapeReader, TapeWriter, Words};

#[derive(Debug, Clone)]
struct Model(Arc<Vec<AtomicU64>>);

impl Words for Model {
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        &self.0[index..index + count]
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Two cells of four words, after a header of sixteen. A record of eight bytes takes one.
#[test]
fn a_record_is_whole_or_missed() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let memory = Model(Arc::new((0..16 + 2 * 4).map(|_| AtomicU64::new(0)).collect()));
        let mut reader = TapeReader::new(memory.clone());
        let writer = thread::spawn(move || {
            let mut writer = TapeWriter::new(memory);
            for number in 0..3u64 {
                writer.write(&number.to_le_bytes());
            }
        });
        let (mut record, mut got) = (Vec::new(), 0);
        for _ in 0..2 {
            if reader.read(&mut record) {
                let number = u64::from_le_bytes(record.as_slice().try_into().unwrap());
                got += 1;
                // The number that it is stored with counts what was missed: a record of two others would not fit.
                assert_eq!(number + 1, got + reader.lost());
            }
        }
        writer.join().unwrap();
    });
}
