/// A wall-clock time in whole Unix seconds, as signed records and Portage's index carry it.
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
  /// Seconds since 1970-01-01T00:00:00Z.
  public let seconds: Int64

  /// The time this many seconds after 1970-01-01T00:00:00Z.
  public init(_ seconds: Int64) {
    self.seconds = seconds
  }

  /// The later time in whole seconds, rounded down; clamped to what 64 bits hold.
  public static func + (time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(Int64(clamping: Int128(time.seconds) + wholeSeconds(duration.attoseconds)))
  }

  /// The earlier time in whole seconds, rounded down; clamped to what 64 bits hold.
  public static func - (time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(Int64(clamping: Int128(time.seconds) + wholeSeconds(-duration.attoseconds)))
  }

  /// The time from `right` to `left`; negative if `left` is the earlier.
  public static func - (left: Timestamp, right: Timestamp) -> Duration {
    let (difference, overflow) = left.seconds.subtractingReportingOverflow(right.seconds)
    return .seconds(overflow ? (left > right ? .max : .min) : difference)
  }

  /// Whether the left time is the earlier.
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.seconds < right.seconds
  }

  /// Reads whole Unix seconds.
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(Int64.self))
  }

  /// Writes whole Unix seconds.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(seconds)
  }
}

extension Timestamp: CustomStringConvertible {
  /// The time in UTC as RFC 3339 prints it: `2026-11-20T23:00:00Z`.
  public var description: String {
    guard seconds >= -62_135_596_800, seconds <= 253_402_300_799 else { return "@\(seconds)" }
    let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let rest = seconds - days * 86_400
    let (year, month, day) = civil(days)
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let time = "\(padded(rest / 3_600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    return "\(date)T\(time)Z"
  }
}

/// Attoseconds in whole seconds, rounded down.
private func wholeSeconds(_ attoseconds: Int128) -> Int128 {
  let (quotient, remainder) = attoseconds.quotientAndRemainder(
    dividingBy: 1_000_000_000_000_000_000)
  return remainder < 0 ? quotient - 1 : quotient
}

/// The proleptic Gregorian date of a day number, by counting 400-year eras from 0000-03-01.
private func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let leapDays = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
  let yearOfEra = (dayOfEra - leapDays) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

private func padded(_ value: Int64, _ width: Int) -> String {
  let text = String(value)
  return String(repeating: "0", count: max(0, width - text.count)) + text
}
