import Cryptography
import DHT
import Transfer
import Wire

/// Trying many ports with a node that only a relay leads to, where that may help.
extension DHTService {
  /// Not more often than this, whoever wishes it.
  private static let probePause = Duration.seconds(20)

  /// Proposes it to a node, by the relay's way.
  func probe(_ key: PublicKey, over way: Address) {
    guard way.detour != nil, ownNAT != .other, mayProbe else { return }
    let message = RelayMessage.probe(isAnswer: false, ownNAT)
    sendSealed(message.encoded, to: key, at: way)
  }

  /// Takes in the other's proposal or answer, or its knock at one of our ports.
  func takeProbe(_ message: RelayMessage, from key: PublicKey, at address: Address) {
    switch message {
    case .knock: streams?.knocked(key, at: address)
    case .probe(let isAnswer, let nat):
      let own = ownNAT
      // Only over a relay, which has seen where the other side is.
      guard address.detour != nil, mayProbe,
        let role = BirthdayProbe.role(own: own, peer: nat),
        let knock = sessions.seal(RelayMessage.knock.encoded, to: key, at: address)
      else { return }
      lastProbe = now
      if !isAnswer {
        let answer = RelayMessage.probe(isAnswer: true, own)
        sendSealed(answer.encoded, to: key, at: address)
      }
      streams?.probe(as: role, key, over: address, with: knock)
    case .register, .registered, .ask, .offer, .take, .grant, .refuse, .close: return
    }
  }

  private var mayProbe: Bool { lastProbe.map { now - $0 >= Self.probePause } ?? true }

  /// What others' observations say of our NAT.
  private var ownNAT: BirthdayProbe.NAT {
    let kind = ReachKind(
      own: LocalNetwork.ownAddresses(), observed: machine.observedAddresses, mapping: nil,
      isReached: machine.status.isServer)
    switch kind {
    case .symmetric: return .symmetric
    case .restricted: return .restricted
    case .unknown, .open, .firewalled, .mapped, .cone: return .other
    }
  }
}
