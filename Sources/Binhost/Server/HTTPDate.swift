/// A date in HTTP's preferred form (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  // Day 0 of the Unix epoch was a Thursday.
  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

  /// The text of a time in Unix seconds between the years 1970 and 9999.
  static func text(_ seconds: Int64) -> String {
    let time = min(max(0, seconds), 253_402_300_799)
    let days = time / 86_400
    let rest = time % 86_400
    let date = civil(days)
    let weekday = weekdays[Int(days % 7)]
    let day = "\(weekday), \(two(date.day)) \(months[Int(date.month) - 1]) \(date.year)"
    return "\(day) \(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
  }

  /// The time in Unix seconds; nil for any other form.
  static func seconds(_ text: String) -> Int64? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2,
      parts[3].utf8.count == 4, let day = number(parts[1]), let year = number(parts[3]),
      let month = months.firstIndex(of: String(parts[2])), (1...31).contains(day), year >= 1970
    else { return nil }
    let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let hour = number(clock[0]), let minute = number(clock[1]),
      let second = number(clock[2]), hour < 24, minute < 60, second < 61
    else { return nil }
    let time = days(year, Int64(month) + 1, day) * 86_400 + hour * 3_600 + minute * 60 + second
    return time
  }

  private static func number(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 })
    else { return nil }
    return Int64(text)
  }

  private static func two(_ value: Int64) -> String {
    value < 10 ? "0\(value)" : String(value)
  }

  /// The Gregorian date of a day number, counted in years that begin in March.
  private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let inEra = shifted % 146_097
    let leaps = inEra / 1_460 - inEra / 36_524 + inEra / 146_096
    let yearOfEra = (inEra - leaps) / 365
    let inYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * inYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, inYear - (153 * march + 2) / 5 + 1)
  }

  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let marchYear = month <= 2 ? year - 1 : year
    let era = marchYear / 400
    let yearOfEra = marchYear % 400
    let march = month > 2 ? month - 3 : month + 9
    let inYear = (153 * march + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + inYear - 719_468
  }
}
