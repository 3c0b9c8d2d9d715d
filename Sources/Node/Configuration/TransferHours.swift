public import Wire

/// Hours of the week in which other rules hold for the transfer.
public struct TransferHours: Sendable, Equatable {
  /// A day of the week, by its name in the configuration.
  public enum Day: String, Sendable, CaseIterable {
    case monday = "mon"
    case tuesday = "tue"
    case wednesday = "wed"
    case thursday = "thu"
    case friday = "fri"
    case saturday = "sat"
    case sunday = "sun"

    fileprivate var before: Day {
      let days = Day.allCases
      let index = days.firstIndex(of: self) ?? 0
      return days[(index + days.count - 1) % days.count]
    }
  }

  /// A limit of bytes a second, or none.
  public enum Rate: Sendable, Equatable {
    case unlimited
    case limited(ByteCount)

    /// The limit; nil for none.
    public var limit: ByteCount? {
      switch self {
      case .unlimited: nil
      case .limited(let limit): limit
      }
    }
  }

  /// The days on which the hours begin.
  public var days = Set(Day.allCases)
  /// The minute of the day at which they begin, 0 to 1,439.
  public var from = 0
  /// The minute of the day before which they end, 0 to 1,440; not after `from`: on the day after.
  public var to = 1_440
  /// Bytes a second down; nil: as at other times.
  public var limitDown: Rate?
  /// Bytes a second up; nil: as at other times.
  public var limitUp: Rate?
  /// Whether the link is metered; nil: as at other times.
  public var isMetered: Bool?

  /// Every day and all day, with nothing changed.
  public init() {}

  /// Whether a minute of a day of the week lies in these hours.
  public func contains(_ day: Day, minute: Int) -> Bool {
    if from < to { return days.contains(day) && minute >= from && minute < to }
    return days.contains(day) && minute >= from || days.contains(day.before) && minute < to
  }

  /// The days that a word of the configuration means: `sat`, or `mon-fri`; nil for any other.
  static func days(_ word: String) -> [Day]? {
    let ends = word.split(separator: "-", omittingEmptySubsequences: false)
      .map { Day(rawValue: $0.lowercased()) }
    guard let first = ends[0], ends.count <= 2, let last = ends[ends.count - 1] else { return nil }
    var days = [first]
    var week = (Day.allCases + Day.allCases).drop { $0 != first }.dropFirst()
    while days[days.count - 1] != last, let next = week.popFirst() { days.append(next) }
    return days
  }

  /// The minute of the day that `08:30` means; `24:00` is the day's end, nil is no time.
  static func minute(_ text: String) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
      let hour = UInt8(parts[0]), let minute = UInt8(parts[1]), minute < 60
    else { return nil }
    let minutes = Int(hour) * 60 + Int(minute)
    return minutes <= 1_440 ? minutes : nil
  }
}

/// What holds for the transfer at one moment.
public struct TransferRules: Sendable, Equatable {
  /// Bytes a second down; nil: unlimited.
  public var limitDown: ByteCount?
  /// Bytes a second up; nil: unlimited.
  public var limitUp: ByteCount?
  /// Whether the link is metered.
  public var isMetered: Bool

  /// These limits, on such a link.
  public init(limitDown: ByteCount?, limitUp: ByteCount?, isMetered: Bool) {
    self.limitDown = limitDown
    self.limitUp = limitUp
    self.isMetered = isMetered
  }
}

extension Configuration.Transfer {
  /// What holds at a minute of a day: the first hours of the schedule that contain it decide.
  public func rules(on day: TransferHours.Day, minute: Int) -> TransferRules {
    var rules = TransferRules(limitDown: limitDown, limitUp: limitUp, isMetered: metered)
    guard let hours = schedule.first(where: { $0.contains(day, minute: minute) }) else {
      return rules
    }
    if let rate = hours.limitDown { rules.limitDown = rate.limit }
    if let rate = hours.limitUp { rules.limitUp = rate.limit }
    rules.isMetered = hours.isMetered ?? rules.isMetered
    return rules
  }
}
