import Cryptography
import Testing
import Wire

@testable import PeerNetwork

@Suite struct DatagramSessionsTests {
  let here = Address(ip: .v4(0x7F00_0001), port: 1)
  let there = Address(ip: .v4(0x7F00_0001), port: 2)

  func sessions(
    _ number: UInt8, network: String = "test", capacity: Int = 64, strangers: Int = 1_000
  ) throws -> DatagramSessions {
    DatagramSessions(
      identity: try Loopback.key(number), network: network, capacity: capacity,
      strangersPerSecond: strangers)
  }

  func refusal(
    _ sessions: inout DatagramSessions, _ packet: [UInt8], at now: Instant = .zero
  ) -> DatagramSessions.Refusal? {
    do {
      _ = try sessions.open(packet, from: here, now: now)
      return nil
    } catch {
      return error
    }
  }

  @Test func theFirstDatagramIsUnprovenAndTheOneWithTheCookieProven() throws {
    var one = try sessions(1)
    var two = try sessions(2)
    let first = try Loopback.seal([1, 2], to: try Loopback.key(2).publicKey, at: there, with: &one)
    let opened = try two.open(first, from: here, now: .zero)
    #expect(opened.message == [1, 2])
    #expect(!opened.isProven)
    let cookie = two.cookie(for: opened.sender, at: here, now: .zero)
    one.keep(cookie, from: try Loopback.key(2).publicKey, at: there, now: .zero)
    let second = try Loopback.seal([3], to: try Loopback.key(2).publicKey, at: there, with: &one)
    let proven = try two.open(second, from: here, now: .zero)
    #expect(proven.isProven)
    // A replay from another address proves nothing, nor does one after two epochs.
    let replayed = try two.open(second, from: there, now: .zero)
    #expect(!replayed.isProven)
    let stale = try two.open(second, from: here, now: .zero + AddressCookie.epoch * 2)
    #expect(!stale.isProven)
    // Both are counted; having none to show is no offence.
    let refused = two.cookiesRefused
    #expect(refused == 2)
  }

  @Test func aCookieIsShownOnlyWhereItCameFrom() throws {
    var one = try sessions(1)
    let key = try Loopback.key(2).publicKey
    _ = one.seal([1], to: key, at: there)
    one.keep([UInt8](repeating: 1, count: 16), from: key, at: there, now: .zero)
    let isKnownThere = one.hasCookie(for: key, at: there, now: .zero)
    let isKnownHere = one.hasCookie(for: key, at: here, now: .zero)
    #expect(isKnownThere)
    #expect(!isKnownHere)
  }

  @Test func cookiesOfSeveralAddressesOfOnePeerStandBesideEachOther() throws {
    var one = try sessions(1)
    let key = try Loopback.key(2).publicKey
    _ = one.seal([1], to: key, at: there)
    let addresses = (1...6).map { Address(ip: .v4(0x7F00_0001), port: UInt16($0)) }
    for address in addresses {
      for round in 1...2 as ClosedRange<UInt8> {
        one.keep([UInt8](repeating: round, count: 16), from: key, at: address, now: .zero)
      }
    }
    // The newest four are kept.
    let kept = addresses.map { one.hasCookie(for: key, at: $0, now: .zero) }
    #expect(kept == [false, false, true, true, true, true])
  }

  @Test func anOldCookieIsNotReliedOn() throws {
    var one = try sessions(1)
    let key = try Loopback.key(2).publicKey
    _ = one.seal([1], to: key, at: there)
    // Made at the very end of its epoch, a cookie lives one epoch and no more.
    let epoch = AddressCookie.epoch
    let born = Instant.zero + (epoch - .seconds(1))
    one.keep([UInt8](repeating: 1, count: 16), from: key, at: there, now: born)
    let isValidSoonAfter = one.hasCookie(for: key, at: there, now: born + (epoch - .seconds(20)))
    let isValidLater = one.hasCookie(for: key, at: there, now: born + epoch)
    #expect(isValidSoonAfter)
    #expect(!isValidLater)
    one.keep([UInt8](repeating: 2, count: 16), from: key, at: there, now: born + epoch)
    let isValidAgain = one.hasCookie(for: key, at: there, now: born + epoch + .seconds(1))
    #expect(isValidAgain)
  }

  @Test func reflectedDatagramsAreRefused() throws {
    var one = try sessions(1)
    let packet = try Loopback.seal([1], to: try Loopback.key(2).publicKey, at: there, with: &one)
    #expect(refusal(&one, packet) == .malformed(.badKey))
    // Reflected with the header's key swapped: sealed for the other direction.
    let swapped = [packet[0]] + (try Loopback.key(2)).publicKey.bytes.bytes + packet[33...]
    #expect(refusal(&one, swapped) == .forged)
  }

  @Test func anotherNetworkAnotherReceiverAndAnyFlippedBitAreForged() throws {
    var one = try sessions(1)
    var two = try sessions(2)
    var three = try sessions(3)
    var elsewhere = try sessions(2, network: "other")
    let packet = try Loopback.seal(
      [1, 2, 3], to: try Loopback.key(2).publicKey, at: there, with: &one)
    #expect(refusal(&elsewhere, packet) == .forged)
    #expect(refusal(&three, packet) == .forged)
    for place in packet.indices {
      var altered = packet
      altered[place] ^= 1
      #expect(refusal(&two, altered) != nil, "byte \(place)")
    }
    #expect(refusal(&two, packet) == nil)
  }

  @Test func lengthsAreCheckedFirst() throws {
    var one = try sessions(1)
    for length in [0, 1, 32, DatagramBox.overhead - 1, Limits.datagram + 1, 2_048] {
      let packet = [UInt8](repeating: 1, count: length)
      #expect(refusal(&one, packet) == .malformed(.badLength(length)))
    }
    #expect(one.count == 0)
  }

  @Test func strangersShareABudgetAndCostBoundedMemory() throws {
    var target = try sessions(1, capacity: 64, strangers: 20)
    var dropped = 0
    var packets: [[UInt8]] = []
    for number in 2..<102 as Range<UInt8> {
      var stranger = try sessions(number)
      packets.append(
        try Loopback.seal([1], to: try Loopback.key(1).publicKey, at: there, with: &stranger))
    }
    for packet in packets where refusal(&target, packet) == .overBudget { dropped += 1 }
    #expect(dropped == 80)
    for second in 1...10 {
      for packet in packets { _ = refusal(&target, packet, at: .zero + .seconds(second)) }
    }
    #expect(target.count <= 64 + 16)
  }

  @Test func provenAddressesOfManyKeysShareABudgetToo() throws {
    var target = try sessions(1, capacity: 8, strangers: 5)
    let key = try Loopback.key(1).publicKey
    var packets: [[UInt8]] = []
    for number in 2..<102 as Range<UInt8> {
      var sender = try sessions(number)
      _ = sender.seal([1], to: key, at: there)
      let cookie = target.cookie(for: try Loopback.key(number).publicKey, at: here, now: .zero)
      sender.keep(cookie, from: key, at: there, now: .zero)
      packets.append(try Loopback.seal([1], to: key, at: there, with: &sender))
    }
    var refused = packets.count { refusal(&target, $0) == .overBudget }
    #expect(refused == 80)
    refused = packets.count { refusal(&target, $0, at: .zero + .seconds(1)) == .overBudget }
    #expect(refused >= 72)
  }

  @Test func aFloodOfStrangersForgetsNoPeer() throws {
    var target = try sessions(1, capacity: 64, strangers: 1_000)
    var peer = try sessions(2)
    let key = try Loopback.key(2).publicKey
    _ = target.seal([1], to: key, at: here)
    target.keep([UInt8](repeating: 5, count: 16), from: key, at: here, now: .zero)
    for number in 3..<203 as Range<UInt8> {
      var stranger = try sessions(number)
      let packet = try Loopback.seal(
        [1], to: try Loopback.key(1).publicKey, at: there, with: &stranger)
      _ = refusal(&target, packet)
    }
    let isKept = target.hasCookie(for: key, at: here, now: .zero)
    #expect(isKept)
    let packet = try Loopback.seal([1], to: try Loopback.key(1).publicKey, at: there, with: &peer)
    #expect(refusal(&target, packet) == nil)
  }
}
