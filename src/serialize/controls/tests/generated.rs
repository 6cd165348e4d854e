//! Values as fuzzers and property tests generate them.

use arbitrary::{Arbitrary, Unstructured};

use super::*;

proptest! {
    #[test]
    fn what_is_generated_survives(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        if let Ok(list) = ControlList::arbitrary(&mut Unstructured::new(&bytes)) {
            round_trip(&list);
        }
        if let Ok(map) = ControlInfoMap::arbitrary(&mut Unstructured::new(&bytes)) {
            round_trip(&map);
        }
        if let Ok(value) = ControlValue::arbitrary(&mut Unstructured::new(&bytes)) {
            let mut list = ControlList::default();
            list.insert(1, &value).unwrap();
            prop_assert_eq!(list.get(1).unwrap().to_owned(), value);
        }
    }
}
