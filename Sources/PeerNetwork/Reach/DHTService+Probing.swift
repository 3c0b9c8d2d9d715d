import Cryptography
import DHT
import Transfer
import Wire

/// Trying many ports with a node that only a relay leads to, where that may help.
extension DHTService {
  /// Of one way no more than one proposal or answer is looked at in this time.
  private static let probePause = Duration.seconds(5)

  /// Proposes it to a node, by the relay's way.
  func probe(_ key: PublicKey, over way: Address) {
    guard way.detour != nil, ownNAT != .other else { return }
    let message = RelayMessage.probe(isAnswer: false, ownNAT)
    sendSealed(message.encoded, to: key, at: way)
  }

  /// Takes in the other's proposal or answer, or its knock at one of our ports.
  func takeProbe(_ message: RelayMessage, from key: PublicKey, at address: Address) {
    switch message {
    case .knock: streams?.knocked(key, at: address)
    case .probe(let isAnswer, let nat):
      // Only over a relay, which has seen where the other side is.
      guard let streams, address.detour != nil, nat != .other, mayLook(at: address) else { return }
      let own = ownNAT
      guard let role = BirthdayProbe.role(own: own, peer: nat),
        let knock = sessions.seal(RelayMessage.knock.encoded, to: key, at: address)
      else { return }
      let answer = RelayMessage.probe(isAnswer: true, own).encoded
      streams.probe(
        as: role, key, over: address, with: knock,
        isAnswer ? nil : sessions.seal(answer, to: key, at: address))
    case .register, .registered, .ask, .offer, .take, .grant, .refuse, .close: return
    }
  }

  private func mayLook(at way: Address) -> Bool {
    probesSeen = probesSeen.filter { now - $0.value < Self.probePause }
    guard probesSeen[way] == nil, probesSeen.count < Detours.capacity else { return false }
    probesSeen[way] = now
    return true
  }

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
