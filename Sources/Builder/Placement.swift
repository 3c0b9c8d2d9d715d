public import Wire

/// Where a package that must come from somewhere comes from.
public enum Placement: String, Sendable, Equatable, Codable {
  /// A peer has an acceptable build.
  case peer
  /// The cloud tier is asked.
  case cloud
  /// Portage builds it here, from source.
  case local
}

/// Who decides about asking the cloud tier.
public enum CloudRule: Sendable, Equatable {
  /// Nobody asked: the tier is never used.
  case never
  /// The user said so for this run (`--build`).
  case explicit
  /// A configured rule, with this many requests left today.
  case standing(left: Int)
}

extension Placement {
  /// Where one package comes from: a peer where one has it, the cloud where somebody allowed it
  /// and the request is one it takes, else this machine.
  public static func of(
    peerHasIt: Bool, cloudTakesIt: Bool, rule: CloudRule
  ) -> Placement {
    if peerHasIt { return .peer }
    guard cloudTakesIt else { return .local }
    switch rule {
    case .never: return .local
    case .explicit: return .cloud
    case .standing(let left): return left > 0 ? .cloud : .local
    }
  }
}

/// How many requests a standing rule may still make today (days of UTC).
public struct DailyBudget: Sendable, Equatable, Codable {
  /// Requests a day.
  public var limit: Int
  private var day: Int64
  private var used: Int

  /// An unused budget.
  public init(limit: Int) {
    self.limit = max(0, limit)
    day = 0
    used = 0
  }

  /// How many requests are left at this time. A clock that went back gives nothing back.
  public func left(now: Timestamp) -> Int {
    now.seconds / 86_400 > day ? limit : max(0, limit - used)
  }

  /// Takes one request from the budget; false, and nothing taken, when none is left.
  public mutating func spend(now: Timestamp) -> Bool {
    guard left(now: now) > 0 else { return false }
    let today = now.seconds / 86_400
    if today > day {
      day = today
      used = 0
    }
    used += 1
    return true
  }
}
