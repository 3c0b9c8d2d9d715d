import Glibc
import Wire

/// The machine's wall clock, read in one place.
enum WallClock {
  /// Now, in whole Unix seconds.
  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(Int64(time.tv_sec))
  }
}
