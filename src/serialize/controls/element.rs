//! What values consist of, as Rust types and as bytes.

use zerocopy::IntoBytes;
use zerocopy::byteorder::little_endian::{F32, I32, I64, U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::ControlType;
use crate::serialize::native::Fixed;
use crate::serialize::{Point, Rectangle, Size};

/// A Rust type that a control's value can be, or consist of: `bool`, `u8`, `u16`, `u32`, `i32`,
/// `i64`, `f32`, [`Rectangle`], [`Size`], [`Point`].
pub trait ControlElement: sealed::Element {
    /// The type of control.
    const TYPE: ControlType;
}

/// How a [`ControlElement`] looks in a packet; here so that nobody else can add one.
pub(super) mod sealed {
    use super::Fixed;

    pub trait Element: Copy + 'static {
        type Wire: Fixed;

        fn to_wire(self) -> Self::Wire;
        fn from_wire(wire: Self::Wire) -> Self;
    }
}

use sealed::Element;

/// A rectangle's 16 bytes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RectangleWire {
    x: I32,
    y: I32,
    width: U32,
    height: U32,
}

/// A size's 8 bytes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SizeWire {
    width: U32,
    height: U32,
}

/// A point's 8 bytes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PointWire {
    x: I32,
    y: I32,
}

macro_rules! elements {
    ($($element:ty => $kind:ident, $wire:ty, $to:expr, $from:expr;)*) => {$(
        impl Element for $element {
            type Wire = $wire;

            #[inline]
            fn to_wire(self) -> $wire {
                $to(self)
            }

            #[inline]
            fn from_wire(wire: $wire) -> Self {
                $from(wire)
            }
        }

        impl ControlElement for $element {
            const TYPE: ControlType = ControlType::$kind;
        }

        const _: () = assert!(size_of::<$wire>() == ControlType::$kind.element_bytes());
    )*};
}

elements! {
    // Packets are validated, so there is no third truth value to lose here.
    bool => Bool, u8, u8::from, |wire| wire != 0;
    u8 => Byte, u8, |byte| byte, |wire| wire;
    u16 => U16, U16, U16::new, U16::get;
    u32 => U32, U32, U32::new, U32::get;
    i32 => I32, I32, I32::new, I32::get;
    i64 => I64, I64, I64::new, I64::get;
    f32 => F32, F32, F32::new, F32::get;
    Rectangle => Rectangle, RectangleWire,
        |Rectangle { x, y, width, height }| RectangleWire {
            x: x.into(), y: y.into(), width: width.into(), height: height.into()
        },
        |wire: RectangleWire| Rectangle {
            x: wire.x.get(), y: wire.y.get(), width: wire.width.get(), height: wire.height.get()
        };
    Size => Size, SizeWire,
        |Size { width, height }| SizeWire { width: width.into(), height: height.into() },
        |wire: SizeWire| Size { width: wire.width.get(), height: wire.height.get() };
    Point => Point, PointWire,
        |Point { x, y }| PointWire { x: x.into(), y: y.into() },
        |wire: PointWire| Point { x: wire.x.get(), y: wire.y.get() };
}

/// Whether two elements have the same bytes, which a float and its equal need not have.
pub(super) fn same<T: ControlElement>(left: &T, right: &T) -> bool {
    left.to_wire().as_bytes() == right.to_wire().as_bytes()
}

/// Writes `items` to `out`, which has exactly their bytes.
pub(super) fn write<T: ControlElement>(items: &[T], out: &mut [u8]) {
    let wires = <[T::Wire]>::mut_from_bytes(out).expect("the caller gives as many bytes as the items take");
    for (wire, item) in wires.iter_mut().zip(items) {
        *wire = item.to_wire();
    }
}
