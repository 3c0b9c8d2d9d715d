public import Wire

/// How a node is approached to which there is no connection: way after way, what costs least first, the
/// next one beside those that have not failed yet (after RFC 8305 and RFC 8445).
///
/// Most nodes answer by TCP at once. Who does not is tried by UDP and, at the same time, through nodes
/// that both know, because its NAT may let in only those to whom it wrote; a relay comes last.
public struct Approach: Sendable, Equatable {
  /// A way to reach a node.
  public enum Way: UInt8, Sendable, CaseIterable {
    /// TLS over TCP, to the addresses that it announces.
    case tcp
    /// A UDP stream to the same.
    case datagrams
    /// A UDP stream to where it answers after both sides wrote to each other at the same time.
    case punch
    /// A UDP stream by way of a node that both reach.
    case relay
  }

  /// When the ways begin.
  public struct Settings: Sendable, Equatable {
    /// How long TCP is tried alone.
    public var headStart = Duration.milliseconds(300)
    /// How long the direct ways are tried before a relay is asked beside them, if they have not all
    /// failed before.
    public var relayStart = Duration.milliseconds(1_800)

    /// The defaults.
    public init() {}
  }

  /// What the driver is to do.
  public enum Action: Sendable, Equatable {
    /// Try this way, and tell by `ended` what became of it.
    case begin(Way)
    /// Give the node up.
    case fail
  }

  /// What became of a way.
  public enum Ending: Sendable, Equatable {
    /// It led nowhere.
    case failed
    /// It carried a conversation, which is over by now.
    case carried
    /// It led to the node, which wants nothing of us or of which we want nothing.
    case refused
  }

  private enum State: Sendable, Equatable {
    case waiting
    case trying
    case ended
  }

  private let settings: Settings
  private let began: Instant
  private var states: [Way: State] = [:]
  /// Whether there is nothing to do any more: the node is reached, or given up.
  public private(set) var isOver = false

  /// The approach to a node by these of the ways; an empty set fails at once.
  public init(by ways: Set<Way>, settings: Settings = Settings(), now: Instant) {
    self.settings = settings
    began = now
    for way in ways { states[way] = .waiting }
  }

  /// When to call `step`, if nothing happens before; nil if only the end of a way is waited for.
  public var nextDeadline: Instant? {
    guard !isOver else { return nil }
    return Way.allCases.filter { states[$0] == .waiting }.map { start(of: $0) }.min()
  }

  /// Begins what is due; `isReached` says whether a connection to the node stands, by whatever way.
  public mutating func step(now: Instant, isReached: Bool) -> [Action] {
    guard !isOver else { return [] }
    guard !isReached else {
      isOver = true
      return []
    }
    var actions: [Action] = []
    for way in Way.allCases where states[way] == .waiting {
      guard start(of: way) <= now else { continue }
      states[way] = .trying
      actions.append(.begin(way))
    }
    if states.values.allSatisfy({ $0 == .ended }) {
      isOver = true
      actions.append(.fail)
    }
    return actions
  }

  /// Takes in that a way ended; a node that was reached or that refused is not tried anew.
  public mutating func ended(
    _ way: Way, _ ending: Ending, now: Instant, isReached: Bool
  ) -> [Action] {
    guard !isOver else { return [] }
    states[way] = .ended
    guard ending == .refused, !isReached else {
      return step(now: now, isReached: isReached || ending == .carried)
    }
    isOver = true
    return [.fail]
  }

  /// When a way begins: in its time, or as soon as all that come before it have failed.
  private func start(of way: Way) -> Instant {
    switch way {
    case .tcp: began
    case .datagrams, .punch: hasFailed([.tcp]) ? began : began + settings.headStart
    case .relay:
      // A node that answers no datagram may still answer late: it goes on beside the relay.
      hasFailed([.tcp, .punch]) ? began : began + settings.relayStart
    }
  }

  private func hasFailed(_ ways: [Way]) -> Bool {
    ways.allSatisfy { states[$0] == nil || states[$0] == .ended }
  }
}
