//! V4L2's controls of sensor, lens and the BCM2835's ISP.
//!
//! The ISP's structures, in `linux/bcm2835-isp.h`, travel as byte arrays; read them without a copy
//! through [`ControlValueRef::as_bytes`](crate::serialize::controls::ControlValueRef::as_bytes).

use super::super::Control;

ids! {
    /// ISP: gain of red, in thousandths.
    RED_BALANCE: i32 = 0x0098_090e, "RED_BALANCE";
    /// ISP: gain of blue, in thousandths.
    BLUE_BALANCE: i32 = 0x0098_090f, "BLUE_BALANCE";
    /// Sensor: exposure time, in lines.
    EXPOSURE: i32 = 0x0098_0911, "EXPOSURE";
    /// Sensor: whether the image is mirrored.
    HFLIP: i32 = 0x0098_0914, "HFLIP";
    /// Sensor: whether the image is upside down.
    VFLIP: i32 = 0x0098_0915, "VFLIP";
    /// ISP: colour correction matrix, `bcm2835_isp_custom_ccm` in 88 bytes.
    CC_MATRIX: Vec<u8> = 0x0098_19e1, "CC_MATRIX";
    /// ISP: lens shading, `bcm2835_isp_lens_shading` in 36 bytes. Its table is in a buffer beside.
    LENS_SHADING: Vec<u8> = 0x0098_19e2, "LENS_SHADING";
    /// ISP: black levels, `bcm2835_isp_black_level` in 12 bytes.
    BLACK_LEVEL: Vec<u8> = 0x0098_19e3, "BLACK_LEVEL";
    /// ISP: green equalisation, `bcm2835_isp_geq` in 16 bytes.
    GEQ: Vec<u8> = 0x0098_19e4, "GEQ";
    /// ISP: gamma curve, `bcm2835_isp_gamma` in 136 bytes.
    GAMMA: Vec<u8> = 0x0098_19e5, "GAMMA";
    /// ISP: spatial noise reduction, `bcm2835_isp_denoise` in 24 bytes.
    DENOISE: Vec<u8> = 0x0098_19e6, "DENOISE";
    /// ISP: sharpening, `bcm2835_isp_sharpen` in 28 bytes.
    SHARPEN: Vec<u8> = 0x0098_19e7, "SHARPEN";
    /// ISP: defective pixels, `bcm2835_isp_dpc` in 8 bytes.
    DPC: Vec<u8> = 0x0098_19e8, "DPC";
    /// ISP: noise reduction of colours, `bcm2835_isp_cdn` in 8 bytes.
    CDN: Vec<u8> = 0x0098_19e9, "CDN";
    /// Lens: position, in the lens driver's steps.
    FOCUS_ABSOLUTE: i32 = 0x009a_090a, "FOCUS_ABSOLUTE";
    /// Sensor: where on the device the camera is.
    CAMERA_ORIENTATION: i32 = 0x009a_0922, "CAMERA_ORIENTATION";
    /// Sensor: rotation of the camera in its mount, in degrees.
    CAMERA_SENSOR_ROTATION: i32 = 0x009a_0923, "CAMERA_SENSOR_ROTATION";
    /// Sensor: lines after the image, until the next frame.
    VBLANK: i32 = 0x009e_0901, "VBLANK";
    /// Sensor: pixels after a line, until the next.
    HBLANK: i32 = 0x009e_0902, "HBLANK";
    /// Sensor: code of the analogue gain, as the sensor's data sheet has it.
    ANALOGUE_GAIN: i32 = 0x009e_0903, "ANALOGUE_GAIN";
    /// Sensor: gains of blue, green beside blue, green beside red, red that follow.
    NOTIFY_GAINS: [i32; 4] = 0x009e_0909, "NOTIFY_GAINS";
    /// Sensor: pixels per second.
    PIXEL_RATE: i64 = 0x009f_0902, "PIXEL_RATE";
    /// Sensor: test pattern, as the sensor's driver numbers them.
    TEST_PATTERN: i32 = 0x009f_0903, "TEST_PATTERN";
    /// ISP: gain of all colours, in thousandths.
    DIGITAL_GAIN: i32 = 0x009f_0905, "DIGITAL_GAIN";
}
