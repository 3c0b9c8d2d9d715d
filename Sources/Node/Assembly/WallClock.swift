import Glibc
import Wire

/// The machine's wall clock, read in one place.
enum WallClock {
  /// Now, in whole Unix seconds.
  static var now: Timestamp {
    // A plain number: C's structs belong to whichever module a batch of files loads first.
    Timestamp(Int64(time(nil)))
  }

  /// The day of the week and the minute of the day, by the machine's local time.
  static var local: (day: TransferHours.Day, minute: Int) {
    var seconds = time(nil)
    var parts = tm()
    localtime_r(&seconds, &parts)
    // The C library counts from Sunday.
    let days = TransferHours.Day.allCases
    let day = days[(Int(parts.tm_wday) + days.count - 1) % days.count]
    return (day, Int(parts.tm_hour) * 60 + Int(parts.tm_min))
  }
}
