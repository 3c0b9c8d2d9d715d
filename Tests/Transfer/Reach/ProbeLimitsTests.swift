import Cryptography
import Testing
import Transfer
import Wire

/// How often ports are tried, and at whom.
@Suite struct ProbeLimitsTests {
  private func key(_ number: UInt64) -> PublicKey {
    PublicKey(Bytes32(words: (number, 1, 1, 1)))
  }

  private func ip(_ number: UInt32) -> IPAddress { .v4(0x0501_0000 + number) }

  private func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  @Test func oneNodeIsTriedThreeTimesAnHourAndEverLater() {
    var limits = ProbeLimits()
    var begun: [Int64] = []
    for second in 0..<3_600 as Range<Int64> {
      if limits.begin(with: key(1), at: ip(1), now: at(second)) { begun.append(second) }
    }
    #expect(begun == [0, 60, 300])
    let later = limits.begin(with: key(1), at: ip(1), now: at(3_600))
    #expect(later)
  }

  /// A relay may name any address for as many keys as it likes.
  @Test func manyKeysAreNoWeaponAgainstOneAddress() {
    var limits = ProbeLimits()
    var tries = 0
    for second in 0..<3_600 as Range<Int64> {
      let number = UInt64(second) + 10
      if limits.begin(with: key(number), at: ip(7), now: at(second)) { tries += 1 }
    }
    #expect(tries == 3)
  }

  @Test func aNetworkOfSixtyFourBitsIsOneTarget() {
    var limits = ProbeLimits()
    var tries = 0
    for number in 1...30 as ClosedRange<UInt64> {
      let target = IPAddress.v6(0x2A00_0000_0000_0001, number)
      let now = at(Int64(number) * 30)
      if limits.begin(with: key(number), at: target, now: now) { tries += 1 }
    }
    #expect(tries == 3)
  }

  @Test func thereAreFewInAllAndAPauseBetween() {
    var limits = ProbeLimits()
    var begun: [Int64] = []
    for second in 0..<3_600 as Range<Int64> {
      let number = UInt64(second) + 10
      if limits.begin(with: key(number), at: ip(UInt32(second)), now: at(second)) {
        begun.append(second)
      }
    }
    #expect(begun.count == 20)
    #expect(zip(begun, begun.dropFirst()).allSatisfy { $1 - $0 >= 20 })
  }
}
