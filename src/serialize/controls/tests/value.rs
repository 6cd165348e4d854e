//! Values and their views.

use super::*;

proptest! {
    #[test]
    fn a_value_is_what_was_stored(value in value()) {
        let mut list = ControlList::default();
        list.insert(7, &value).unwrap();
        let view = list.get(7).unwrap();
        prop_assert_eq!(view.control_type(), value.control_type());
        prop_assert_eq!(view.is_array(), value.is_array());
        prop_assert_eq!(&view.to_owned(), &value);
        prop_assert_eq!(ControlValueRef::new(view.control_type(), view.is_array(), view.bytes()), Ok(view));
    }
}

#[test]
fn types_keep_their_numbers_and_sizes() {
    let sizes = [0, 1, 1, 2, 4, 4, 8, 4, 1, 16, 8, 8];
    for (number, size) in sizes.into_iter().enumerate() {
        let kind = ControlType::from_number(number as u8).unwrap();
        assert_eq!((kind.number() as usize, kind.element_bytes()), (number, size));
    }
    assert_eq!(ControlType::from_number(12), None);
}

#[test]
fn equality_is_that_of_the_bytes() {
    assert_eq!(ControlValue::from(f32::NAN), ControlValue::from(f32::NAN));
    assert_ne!(ControlValue::from(0.0), ControlValue::from(-0.0f32));
    assert_ne!(ControlValue::from([0.0]), ControlValue::from([-0.0f32]));
    assert_ne!(ControlValue::from(1u8), ControlValue::from([1u8]));
    assert_ne!(ControlValue::from(1i32), ControlValue::from(1u32));
    assert_ne!(ControlValue::from([1i32]), ControlValue::from([1i32, 2]));
    assert_eq!(ControlValue::default(), ControlValue::None);
}

#[test]
fn values_come_from_what_they_hold() {
    assert_eq!(ControlValue::from("abc"), ControlValue::String("abc".into()));
    assert_eq!(ControlValue::from("abc".to_owned()), ControlValue::String("abc".into()));
    assert_eq!(ControlValue::from(&[1u16, 2][..]), ControlValue::U16Array(vec![1, 2]));
    assert_eq!(ControlValue::from(vec![true]), ControlValue::BoolArray(vec![true]));
    assert_eq!(ControlValue::from(Size { width: 1, height: 2 }).control_type(), ControlType::Size);
}

#[test]
fn bytes_that_are_no_value_are_refused() {
    let new = ControlValueRef::new;
    assert_eq!(
        new(ControlType::I32, false, &[0; 8]),
        Err(ValueError::Bytes { kind: ControlType::I32, is_array: false, bytes: 8 })
    );
    let error = new(ControlType::Rectangle, true, &[0; 17]).unwrap_err();
    assert_eq!(error, ValueError::Bytes { kind: ControlType::Rectangle, is_array: true, bytes: 17 });
    assert_eq!(error.to_string(), "17 bytes cannot hold an array of rectangle");
    assert_eq!(
        new(ControlType::String, false, b"a"),
        Err(ValueError::ArrayMark { kind: ControlType::String, value: 0 })
    );
    assert_eq!(
        new(ControlType::None, true, b""),
        Err(ValueError::ArrayMark { kind: ControlType::None, value: 1 })
    );
    assert_eq!(
        new(ControlType::None, false, b"a"),
        Err(ValueError::Bytes { kind: ControlType::None, is_array: false, bytes: 1 })
    );
    assert_eq!(new(ControlType::Bool, true, &[1, 0, 2]), Err(ValueError::Bool { index: 2, value: 2 }));
    assert_eq!(new(ControlType::String, true, b"ab\xff"), Err(ValueError::Utf8 { valid: 2 }));
}

#[test]
fn a_view_gives_the_types_that_it_has() {
    let bytes: Vec<u8> = [1.5f32, 2.0].into_iter().flat_map(f32::to_le_bytes).collect();
    let view = ControlValueRef::new(ControlType::F32, true, &bytes).unwrap();
    assert_eq!(view.get::<[f32; 2]>(), Some([1.5, 2.0]));
    assert_eq!(view.get::<Vec<f32>>(), Some(vec![1.5, 2.0]));
    assert_eq!(view.get::<[f32; 3]>(), None);
    assert_eq!(view.get::<f32>(), None);
    assert_eq!(view.get::<[i32; 2]>(), None);
    assert_eq!(view.elements::<f32>().unwrap().len(), 2);
    assert_eq!(view.len(), 2);
    assert_eq!(view.shape(), Shape::ArrayOf(ControlType::F32, 2));
    assert_eq!((view.as_str(), view.as_bytes()), (None, None));

    let text = ControlValueRef::new(ControlType::String, true, b"cam").unwrap();
    assert_eq!((text.get::<str>(), text.get::<String>()), (Some("cam"), Some("cam".to_owned())));
    assert_eq!(text.shape(), Shape::Scalar(ControlType::String));
    let bytes = ControlValueRef::new(ControlType::Byte, true, b"cam").unwrap();
    assert_eq!(bytes.get::<[u8]>(), Some(&b"cam"[..]));
}

#[test]
fn long_arrays_are_shown_by_their_start() {
    let bytes = [7; 10_824];
    let view = ControlValueRef::new(ControlType::Byte, true, &bytes).unwrap();
    let shown = format!("{view:?}");
    assert_eq!(shown, format!("[{}and 10808 more]", "7, ".repeat(16)));
    assert_eq!(format!("{:?}", ControlValueRef::new(ControlType::Byte, true, &[]).unwrap()), "[]");
    assert_eq!(format!("{:?}", ControlValueRef::new(ControlType::None, false, &[]).unwrap()), "none");
}

#[test]
fn enumerators_keep_their_numbers() {
    for (number, mode) in AwbMode::ALL.iter().enumerate() {
        assert_eq!(AwbMode::try_from(number as i32), Ok(*mode));
        assert_eq!(i32::from(*mode), number as i32);
    }
    let error = AwbMode::try_from(8).unwrap_err();
    assert_eq!(error, ControlError::Enumerator { name: "AwbMode", value: 8 });
}
