extension Timestamp {
  /// The time of an RFC 3339 date or date with time in UTC: `2026-11-20` or `2026-11-20T23:00:00Z`;
  /// nil for anything else and for dates that don't exist.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 10 || (bytes.count == 20 && bytes[10] == 0x54 && bytes[19] == 0x5A),
      bytes[4] == 0x2D, bytes[7] == 0x2D,
      let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
      let day = number(bytes[8..<10]), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    var seconds = dayNumber(year, month, day) * 86_400
    if bytes.count == 20 {
      guard bytes[13] == 0x3A, bytes[16] == 0x3A, let hour = number(bytes[11..<13]),
        let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
        hour < 24, minute < 60, second < 60
      else { return nil }
      seconds += hour * 3_600 + minute * 60 + second
    }
    let time = Timestamp(seconds)
    // A day that its month does not have comes back as another date.
    guard time.description.utf8.prefix(10).elementsEqual(bytes.prefix(10)) else { return nil }
    self = time
  }
}

/// The value of decimal digits; nil if there is anything else.
private func number(_ digits: ArraySlice<UInt8>) -> Int64? {
  var value: Int64 = 0
  for digit in digits {
    guard (48...57).contains(digit) else { return nil }
    value = value * 10 + Int64(digit - 48)
  }
  return value
}

/// The days from 1970-01-01 to a proleptic Gregorian date, counted in 400-year eras from March.
private func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
  let shifted = month <= 2 ? year - 1 : year
  let era = (shifted >= 0 ? shifted : shifted - 399) / 400
  let yearOfEra = shifted - era * 400
  let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
