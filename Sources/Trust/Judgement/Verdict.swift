/// A statement that was not taken, and why.
public struct Rejection: Sendable, Equatable {
  /// The statement; nil where the reason is about the package as a whole.
  public let statement: SignedStatement?
  /// Why not.
  public let reason: RejectionReason

  /// A statement and why it was not taken.
  public init(_ statement: SignedStatement?, _ reason: RejectionReason) {
    self.statement = statement
    self.reason = reason
  }
}

/// Trusted builders whose agreement digests are the same.
public struct AgreementGroup: Sendable, Equatable {
  /// The builders' names, sorted.
  public let issuers: [String]
  /// Their statements, the preferred first.
  public let statements: [SignedStatement]
}

/// Which build is taken for a package.
public struct Acceptance: Sendable, Equatable {
  /// The build to fetch.
  public let statement: SignedStatement
  /// What to fetch where that one's file can't be had, in order.
  public let alternatives: [SignedStatement]
  /// The names of the issuers that agree with it, itself included.
  public let agreeing: [String]
  /// One line that says why.
  public let why: String
  /// The other groups of trusted builders, whose builds differ from this one; to be shown.
  public let disagreeing: [AgreementGroup]
  /// The statements that were not taken.
  public let rejections: [Rejection]
}

/// What the trust list says about the statements for one package.
public enum Verdict: Sendable, Equatable {
  /// One is taken.
  case accepted(Acceptance)
  /// Good builds are there, but fewer builders agree than the policy wants.
  case waiting(have: Int, need: Int, rejections: [Rejection])
  /// None is taken; the nearest miss in one line, if something is near.
  case rejected([Rejection], nearestMiss: String?)

  /// Whether one is taken.
  public var isAccepted: Bool {
    if case .accepted = self { return true }
    return false
  }

  /// The build to fetch, if one is taken.
  public var statement: SignedStatement? {
    if case .accepted(let acceptance) = self { return acceptance.statement }
    return nil
  }

  /// Every build that might be taken, the preferred first.
  public var acceptable: [SignedStatement] {
    guard case .accepted(let acceptance) = self else { return [] }
    return [acceptance.statement] + acceptance.alternatives
  }

  /// The statements that were not taken, with their reasons.
  public var rejections: [Rejection] {
    switch self {
    case .accepted(let acceptance): acceptance.rejections
    case .waiting(_, _, let rejections), .rejected(let rejections, _): rejections
    }
  }

  /// One line: why it is taken, or why not.
  public var message: String {
    switch self {
    case .accepted(let acceptance): return acceptance.why
    case .waiting(let have, let need, let rejections):
      var text = "\(have) of \(need) agreeing builders so far"
      for case .disagreement(let names) in rejections.map(\.reason) {
        text += "; \(RejectionReason.disagreement(names).message)"
      }
      return text
    case .rejected(let rejections, let nearestMiss):
      var lines: [String] = []
      for rejection in rejections where !lines.contains(rejection.reason.message) {
        lines.append(rejection.reason.message)
      }
      if let nearestMiss { lines.append(nearestMiss) }
      return lines.joined(separator: "; ")
    }
  }

  /// The verdict where a build can't be had or can't be used after all: the next one, or none.
  ///
  /// Its statement still counts as confirmation of the others.
  public func without(_ statement: SignedStatement, because reason: RejectionReason) -> Verdict {
    guard case .accepted(let acceptance) = self else { return self }
    var rest = [acceptance.statement] + acceptance.alternatives
    guard let place = rest.firstIndex(of: statement) else { return self }
    rest.remove(at: place)
    let rejections = acceptance.rejections + [Rejection(statement, reason)]
    guard let next = rest.first else { return .rejected(rejections, nearestMiss: nil) }
    return .accepted(
      Acceptance(
        statement: next, alternatives: Array(rest.dropFirst()), agreeing: acceptance.agreeing,
        why: acceptance.why, disagreeing: acceptance.disagreeing, rejections: rejections))
  }
}
