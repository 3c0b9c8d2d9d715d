import Trust
import Wire

/// What one round of checks makes of a plan's builds: which are listed, and which statement those take
/// next that are not.
///
/// A build that lacks a library keeps its statement while another build of the plan takes a new one,
/// since that may bring the library; it loses the statement once nothing else moves.
struct CheckRound: Sendable {
  /// A statement whose file is not what was stated.
  struct Failure: Sendable {
    /// The package.
    let cpv: String
    /// The statement.
    let statement: SignedStatement
    /// What is wrong, naming each field.
    let reason: String
  }

  /// The builds of the plan.
  private(set) var builds: [PlannedBuild]
  /// What is to be remembered of the issuers.
  private(set) var failures: [Failure] = []

  private let list: TrustList
  private let host: HostFacts
  private let now: Timestamp
  private var isMoving: Bool

  /// A round over `builds`; `isMoving` tells whether one of them lost its statement before the check
  /// and has a next one.
  init(
    _ builds: [PlannedBuild], list: TrustList, host: HostFacts, now: Timestamp, isMoving: Bool
  ) {
    self.builds = builds
    self.list = list
    self.host = host
    self.now = now
    self.isMoving = isMoving
  }

  /// Sets a build's statement aside that can't be used now.
  mutating func setAside(_ place: Int, because problem: String) {
    builds[place].note(isSound: false)
    builds[place].setAside(because: .unusable(problem))
    if builds[place].verdict.isAccepted { isMoving = true }
  }

  /// Carries out what the check found of the builds at these places.
  mutating func settle(_ findings: [(place: Int, finding: JointCheck.Finding)]) {
    for case (let place, .wrong(let problems)) in findings {
      guard let statement = builds[place].verdict.statement else { continue }
      let reason = Self.text(problems)
      builds[place].note(isSound: false)
      builds[place].failed[statement] = reason
      builds[place].judge(by: list, host: host, now: now)
      failures.append(Failure(cpv: builds[place].facts.cpv, statement: statement, reason: reason))
      if builds[place].verdict.isAccepted { isMoving = true }
    }
    let mayWait = isMoving
    for (place, finding) in findings {
      switch finding {
      case .wrong: break
      case .sound: builds[place].note(isSound: true)
      case .following: builds[place].note(isSound: false)
      case .lacking(let problems):
        builds[place].note(isSound: false)
        if !mayWait { setAside(place, because: Self.text(problems)) }
      }
    }
  }

  private static func text(_ problems: [Mismatch]) -> String {
    problems.map(\.description).joined(separator: "; ")
  }
}
