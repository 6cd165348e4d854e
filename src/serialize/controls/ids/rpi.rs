//! libcamera's controls for the Raspberry Pi alone.

use super::super::Control;
use crate::serialize::Rectangle;

ids! {
    /// Whether statistics come with the metadata. Default false.
    STATS_OUTPUT_ENABLE: bool = 20001, "StatsOutputEnable";
    /// The statistics of a BCM2835 ISP, `bcm2835_isp_stats` in 10824 bytes. Out only.
    BCM2835_STATS_OUTPUT: Vec<u8> = 20002, "Bcm2835StatsOutput";
    /// As [`SCALER_CROP`](super::controls::SCALER_CROP), one for each output. PiSP only.
    SCALER_CROPS: Vec<Rectangle> = 20003, "ScalerCrops";
    /// The statistics of a PiSP. Out only.
    PISP_STATS_OUTPUT: Vec<u8> = 20004, "PispStatsOutput";
    /// Role in the synchronisation of cameras. Not used by the IPA.
    SYNC_MODE: i32 = 20005, "SyncMode";
    /// Whether cameras are synchronised. Out only; not used by the IPA.
    SYNC_READY: bool = 20006, "SyncReady";
    /// Time until cameras are synchronised, in microseconds. Out only; not used by the IPA.
    SYNC_TIMER: i64 = 20007, "SyncTimer";
    /// Frames until cameras are synchronised. Not used by the IPA.
    SYNC_FRAMES: i32 = 20008, "SyncFrames";
    /// Number of the control list that was used for the frame. Out only, from the pipeline handler.
    CONTROL_LIST_SEQUENCE: i64 = 20009, "ControlListSequence";
}
