import Glibc
import Wire

/// The machine's wall clock, read in one place.
enum WallClock {
  /// Now, in whole Unix seconds.
  static var now: Timestamp {
    // A plain number: C's structs belong to whichever module a batch of files loads first.
    Timestamp(Int64(time(nil)))
  }
}
