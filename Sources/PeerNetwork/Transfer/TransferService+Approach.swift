import Cryptography
import Logging
import NIOCore
import Synchronization
import Transfer
import Wire

/// Reaching providers, by whatever way leads to them.
extension TransferService {
  /// What happens while a provider is approached.
  private enum ApproachEvent: Sendable {
    case due
    case ended(Approach.Way, Approach.Ending)
  }

  /// Opens the connections that fetches ask for.
  nonisolated func openConnections() async {
    await withDiscardingTaskGroup { group in
      for await provider in pool.jobs {
        group.addTask { await self.open(provider) }
      }
    }
  }

  /// Approaches a provider; returns when no way is tried any more and no conversation is left.
  private nonisolated func open(_ provider: Provider) async {
    let clock = context.clock
    let began = clock.now
    // Few ways, each of which ends once, and a deadline or two for each.
    let (events, event) = AsyncStream.makeStream(
      of: ApproachEvent.self, bufferingPolicy: .bufferingOldest(32))
    let punch = PunchMark()
    await withTaskGroup(of: Void.self) { group in
      var approach = Approach(
        by: ways(to: provider), settings: context.settings.approach, now: began)
      var actions = approach.step(now: began, isReached: false)
      var planned: Instant?
      var inputs = events.makeAsyncIterator()
      while true {
        for action in actions {
          switch action {
          case .begin(let way):
            group.addTask {
              event.yield(.ended(way, await self.go(way, to: provider, since: began, punch)))
            }
          case .fail:
            // What is still tried leads to the same node.
            group.cancelAll()
            for driver in pool.failed(provider.key) { await driver.unreachable(provider.key) }
          }
        }
        guard !approach.isOver else { break }
        if let due = approach.nextDeadline, due != planned {
          planned = due
          group.addTask {
            try? await Task.sleep(for: max(.zero, due - clock.now))
            event.yield(.due)
          }
        }
        guard let input = await inputs.next() else { break }
        let isReached = pool.isConnected(to: provider.key)
        switch input {
        case .due: actions = approach.step(now: clock.now, isReached: isReached)
        case .ended(let way, let ending):
          actions = approach.ended(way, ending, now: clock.now, isReached: isReached)
        }
      }
    }
  }

  /// The ways that may lead to a provider.
  private nonisolated func ways(to provider: Provider) -> Set<Approach.Way> {
    guard let streams, !pool.isDeaf(provider.key) else { return [.tcp] }
    // Within one site nothing stands between, and who is in the middle would not pass it on.
    guard streams.canPunch,
      provider.addresses.contains(where: { streams.settings.isRelayable($0.ip) })
    else {
      return [.tcp, .datagrams]
    }
    return provider.relays.isEmpty ? [.tcp, .datagrams, .punch] : Set(Approach.Way.allCases)
  }

  /// The addresses of a provider that are tried: those of its record, and one of the local network.
  private static let addressLimit = Limits.addressesPerProvider + 1

  /// Tries one way to its end, with the conversation that it carries.
  private nonisolated func go(
    _ way: Approach.Way, to provider: Provider, since began: Instant, _ punch: PunchMark
  ) async -> Approach.Ending {
    let key = provider.key
    switch way {
    case .tcp: return await openTLS(to: provider, since: began)
    case .datagrams:
      // Who has relays may be behind a NAT that lets nothing in at first.
      return await openStream(
        to: key, at: Array(provider.addresses.prefix(Self.addressLimit)), by: .udp, since: began,
        within: context.settings.openingTime, notesSilence: provider.relays.isEmpty, beside: punch)
    case .punch:
      guard let address = await streams?.punch(key) else { return .failed }
      punch.set()
      return await openStream(to: key, at: [address], by: .punched, since: began)
    case .relay:
      guard let streams, !pool.isConnected(to: key),
        let address = await streams.relay(to: key, through: provider.relays)
      else { return .failed }
      return await openStream(
        to: key, at: [address], by: .relayed, since: began,
        work: {
          await self.seekDirectWay(to: provider, instead: $0, over: address)
        })
    }
  }

  /// Tries a provider's addresses in order until one carries a conversation or the provider refuses.
  private nonisolated func openTLS(
    to provider: Provider, since began: Instant
  ) async -> Approach.Ending {
    for address in provider.addresses.prefix(Self.addressLimit) {
      guard !Task.isCancelled, !pool.isConnected(to: provider.key) else { break }
      do {
        let stream = try await sockets.connect(to: address, key: provider.key)
        let ending = await converse(over: stream, since: began)
        if ending != .failed { return ending }
      } catch {
        log.debug(
          "peer not reached",
          metadata: ["peer": "\(provider.key)", "address": "\(address)", "error": "\(error)"])
      }
    }
    return .failed
  }

  /// Looks again and again whether a node that a relay leads to can be reached without one, and moves
  /// the stream there.
  private nonisolated func seekDirectWay(
    to provider: Provider, instead channel: DatagramStreamChannel, over way: Address
  ) async {
    var round = 0
    while channel.mark.way == .relayed {
      if Self.probeRounds.contains(round) { await streams?.probe(provider.key, over: way) }
      round += 1
      let retry = context.clock.now + Self.directRetry
      while channel.mark.way == .relayed, context.clock.now < retry, !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(500))
      }
      guard !Task.isCancelled else { return }
      guard channel.mark.way == .relayed else { break }
      for address in provider.addresses.prefix(Self.addressLimit) {
        channel.look(at: address)
        // One way is looked at at a time.
        try? await Task.sleep(for: .seconds(1))
      }
      guard channel.mark.way == .relayed, let address = await streams?.punch(provider.key) else {
        continue
      }
      channel.look(at: address)
      try? await Task.sleep(for: .seconds(2))
    }
    guard !Task.isCancelled else { return }
    log.info(
      "peer reached",
      metadata: [
        "peer": "\(provider.key)", "way": "\(channel.mark.way.name)", "instead": "relayed",
      ])
    context.metrics.reached(by: channel.mark.way)
  }

  /// The rounds in which ports are tried too: soon, and less and less.
  private static let probeRounds: Set<Int> = [0, 1, 6]
  /// How often a way without the relay is looked for.
  private static let directRetry = Duration.seconds(60)

  /// Opens a UDP stream to whichever address answers first and talks over it, with `work` running.
  private nonisolated func openStream(
    to key: PublicKey, at addresses: [Address], by way: PeerWay, since began: Instant,
    within patience: Duration = StreamOpener.patience, notesSilence: Bool = false,
    beside punch: PunchMark? = nil,
    work: (@Sendable (DatagramStreamChannel) async -> Void)? = nil
  ) async -> Approach.Ending {
    guard let streams, !pool.isConnected(to: key) else { return .failed }
    do {
      let channel = try await streams.connect(to: key, atAnyOf: addresses, within: patience)
      channel.mark.way = way
      // The first OPEN was not let in, and a later one was: because of the punch beside it.
      let wasShutOut = channel.lateness.map { $0 >= StreamOpener.firstWait } ?? true
      if let punch, punch.isSet, wasShutOut, channel.address.ip.isGlobal {
        channel.mark.way = .punched
      }
      // Another way may have been faster by a little.
      guard !pool.isConnected(to: key), !Task.isCancelled else {
        try await channel.close()
        return .failed
      }
      let stream = try await framed(channel)
      return await withTaskGroup(of: Void.self) { group in
        if let work { group.addTask { await work(channel) } }
        let ending = await converse(over: stream, since: began)
        group.cancelAll()
        return ending
      }
    } catch {
      log.debug(
        "peer not reached by udp",
        metadata: [
          "peer": "\(key)", "addresses": "\(addresses)", "way": "\(way.name)", "error": "\(error)",
        ])
      switch error as? DatagramStreams.OpenError {
      case .silent where notesSilence && !Task.isCancelled && !pool.isConnected(to: key):
        pool.answeredNothing(key)
        return .failed
      // Its bounds on UDP streams say nothing about TCP.
      case .refused(.busy): return .failed
      case .refused: return .refused
      default: return .failed
      }
    }
  }
}

/// Whether a punch has let a provider's datagrams in, for the way beside it.
private final class PunchMark: Sendable {
  private let answered = Atomic<Bool>(false)

  var isSet: Bool { answered.load(ordering: .relaxed) }

  func set() { answered.store(true, ordering: .relaxed) }
}
