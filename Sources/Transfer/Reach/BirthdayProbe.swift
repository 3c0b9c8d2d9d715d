public import Wire

/// Finding, by chance, a port that a symmetric NAT has open for us: one side opens many ports towards the
/// other's one, the other sends to many ports at random (the birthday paradox; RFC 5128 §3.4 has port
/// prediction instead). With 256 ports open, 1,024 datagrams hit one of 64,512 ports 98 times in 100.
public struct BirthdayProbe: Sendable {
  /// What a node knows of its own NAT.
  public enum NAT: UInt8, Sendable, CaseIterable {
    /// Nothing that helps here.
    case other = 0
    /// One outer port for all; who was not written to is not let in.
    case restricted = 1
    /// An outer port for each whom it writes to.
    case symmetric = 2
  }

  /// What a side does.
  public enum Role: Sendable, Equatable {
    /// Opens many ports and waits.
    case opener
    /// Sends to many ports.
    case seeker
  }

  /// What the driver is to do.
  public enum Action: Sendable, Equatable {
    /// Open so many sockets and send from each.
    case open(Int)
    /// Send from all of them once more.
    case repeatAll
    /// Send to these ports.
    case send([UInt16])
    /// Nothing was hit.
    case giveUp
  }

  /// The sockets of the opener.
  public static let ports = 256
  /// The datagrams of the seeker.
  public static let datagrams = 1_024
  /// The longest time of either.
  public static let span = Duration.seconds(12)
  /// A hundred new flows a second, which the routers of homes stand.
  private static let batch = 32
  private static let pause = Duration.milliseconds(320)
  /// Between the rounds in which all ports are sent from once more.
  private static let openerPause = Duration.seconds(3)
  private static let lowestPort: UInt16 = 1_024

  /// What this side does.
  public let role: Role
  private let began: Instant
  /// The knocks of the other side that are answered by who seeks.
  private static let answerLimit = 8
  /// How long after its end a probe still answers.
  private static let grace = Duration.seconds(4)
  private var answers = 0
  private var sent = 0
  private var opened = 0
  private var due: Instant
  /// Whether nothing is left to do.
  public private(set) var isOver = false

  /// The part of each side; nil where it would not help.
  public static func role(own: NAT, peer: NAT) -> Role? {
    switch (own, peer) {
    case (.symmetric, .restricted): .opener
    case (.restricted, .symmetric): .seeker
    default: nil
    }
  }

  /// A probe that begins now.
  public init(role: Role, now: Instant) {
    self.role = role
    began = now
    due = now
  }

  /// When to call `tick`; nil once it is over.
  public var nextDeadline: Instant? { isOver ? nil : due }

  /// Does what is due.
  public mutating func tick(
    now: Instant, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    guard !isOver, now >= due else { return [] }
    guard now - began < Self.span else {
      isOver = true
      return [.giveUp]
    }
    switch role {
    case .opener:
      let isOpening = opened < Self.ports
      let pause = isOpening ? Self.pause : Self.openerPause
      due = min(now + pause, began + Self.span)
      guard isOpening else { return [.repeatAll] }
      opened += Self.batch
      return [.open(Self.batch)]
    case .seeker:
      guard sent < Self.datagrams else {
        due = began + Self.span
        return []
      }
      sent += Self.batch
      due = now + Self.pause
      var ports: [UInt16] = []
      for _ in 0..<Self.batch {
        ports.append(UInt16.random(in: Self.lowestPort...UInt16.max, using: &random))
      }
      return [.send(ports)]
    }
  }

  /// No more sockets can be had: those that are open have to do.
  public mutating func cannotOpen() {
    opened = Self.ports
  }

  /// A knock of the other side came: nothing more is sent. Whether it counts, and is answered by one of
  /// ours.
  ///
  /// It may have come through a hole that ours made too early to come through itself. The seeker goes on
  /// answering, a few times, because the opener repeats its knocks until it hears one.
  public mutating func heard(now: Instant) -> Bool {
    let wasOver = isOver
    isOver = true
    switch role {
    case .opener: return !wasOver
    case .seeker:
      guard now - began < Self.span + Self.grace, answers < Self.answerLimit else { return false }
      answers += 1
      return true
    }
  }
}
