import Cryptography
public import DHT
import Logging
import NIOCore
import NIOPosix
import Transfer
import Wire

/// Entering the network, and entering it again after the link was lost.
extension DHTService {
  /// Takes the peers through which the network is entered; `run` tries them until one answers.
  public func bootstrap(_ peers: [BootstrapPeer]) {
    bootstrapPeers = peers.filter { $0.key != key }
    streams?.probeOnly(over: Set(bootstrapPeers.map(\.key)))
    joinWake?.yield()
    // Others enter through us: who named us has seen to it that we are reached.
    guard bootstrapPeers.count < peers.count else { return }
    machine.serveAlways()
    note(.servesAlways)
  }

  /// Tries to join until somebody answers, ever less often; later looks whether the link still holds
  /// and whether we have drifted away from the bootstrap peers.
  func stayJoined() async {
    var pause = settings.firstJoinPause
    var rounds = 0
    var places = LocalAddresses.current
    while !Task.isCancelled {
      let isIsolated = machine.isIsolated
      // Another network, or the same one by another way: what is known may not be reached from here.
      let hasMoved = places != LocalAddresses.current
      places = LocalAddresses.current
      let isDue = rounds % 60 == 0
      rounds += 1
      if isIsolated || isDue || hasMoved {
        if hasMoved { log.info("own interfaces changed") }
        let contacts = await entryPoints(includesSaved: isIsolated || hasMoved)
        if !contacts.isEmpty { _ = await perform(.join(contacts)) }
      }
      if machine.isIsolated {
        await rest(pause * Double.random(in: 0.75...1.25))
        pause = min(pause * 2, settings.longestJoinPause)
      } else {
        if isIsolated {
          log.notice("dht joined", metadata: ["contacts": "\(machine.status.contacts)"])
        }
        pause = settings.firstJoinPause
        renewAnnouncementsIfMoved()
        await rest(settings.watchInterval)
      }
    }
  }

  /// Waits, or goes on at once when new bootstrap peers are named.
  private func rest(_ span: Duration) async {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    joinWake = continuation
    await Self.pause(span, or: stream, continuation)
    joinWake = nil
  }

  /// Announces anew when others see us at another address than before, or other relays lead here.
  func renewAnnouncementsIfMoved() {
    let addresses = advertisedAddresses
    let hasMoved = !announcedAddresses.isEmpty && addresses != announcedAddresses
    announcedAddresses = addresses
    if hasMoved { log.notice("own address changed", metadata: ["address": "\(addresses)"]) }
    let hasOtherRelays = announcedRelays.change(to: places.kept(now: now), now: now)
    guard hasMoved || hasOtherRelays else { return }
    publisher.renewAnnouncements(now: wallClock())
    publishWake?.yield()
  }

  /// Bootstrap peers and, for who knows nobody, the contacts of the run before.
  private func entryPoints(includesSaved: Bool) async -> [Contact] {
    let peers = await bootstrapContacts()
    if !peers.isEmpty, peers != seeders {
      seeders = peers
      machine.setSeeders(peers)
      note(.seeders(peers))
      relayWake?.yield()
    }
    return (includesSaved ? savedContacts + machine.contactsToSave(limit: 16) : []) + peers
  }

  /// The bootstrap peers where their hosts are now.
  private func bootstrapContacts() async -> [Contact] {
    var contacts: [Contact] = []
    for peer in bootstrapPeers {
      if let ip = IPAddress(peer.host) {
        contacts.append(Contact(key: peer.key, address: Address(ip: ip, port: peer.port)))
        continue
      }
      for address in await resolve(peer) {
        contacts.append(Contact(key: peer.key, address: address))
      }
    }
    return contacts
  }

  /// The address of a peer's host name; none while the name service does not answer.
  private func resolve(_ peer: BootstrapPeer) async -> [Address] {
    let host = peer.host
    let port = Int(peer.port)
    do {
      let found = try await NIOThreadPool.singleton.runIfActive {
        try SocketAddress.makeAddressResolvingHost(host, port: port)
      }
      return Address(found).map { [$0] } ?? []
    } catch {
      log.info("bootstrap host not resolved", metadata: ["host": "\(host)", "error": "\(error)"])
      return []
    }
  }
}
