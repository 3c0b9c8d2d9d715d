import Cryptography
import Testing
import Wire

@Suite struct AddressCookieTests {
  let cookies = AddressCookie(secret: [UInt8](repeating: 9, count: 32))
  let key = PublicKey(Bytes32(words: (1, 2, 3, 4)))
  let address = Address(ip: .v4(0xC000_0201), port: 7782)

  private func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

  @Test(arguments: [
    (0, 0), (0, 3_599), (1_799, 3_599), (1_800, 3_600), (1_800, 5_399), (10_000, 12_599),
  ])
  func holdsInItsEpochAndTheNext(made: Int, shown: Int) {
    let cookie = cookies.make(for: key, at: address, now: at(made))
    #expect(cookies.isValid(cookie, for: key, at: address, now: at(shown)))
  }

  @Test(arguments: [(0, 3_600), (1_799, 3_600), (1_800, 5_400), (1_800, 1_799), (10_000, 12_600)])
  func isVoidAfterwardsAndBefore(made: Int, shown: Int) {
    let cookie = cookies.make(for: key, at: address, now: at(made))
    #expect(!cookies.isValid(cookie, for: key, at: address, now: at(shown)))
  }

  @Test func isBoundToKeyAddressAndSecret() {
    let now = at(1_000)
    let cookie = cookies.make(for: key, at: address, now: now)
    let otherKey = PublicKey(Bytes32(words: (1, 2, 3, 5)))
    #expect(!cookies.isValid(cookie, for: otherKey, at: address, now: now))
    let otherPort = Address(ip: address.ip, port: 7783)
    #expect(!cookies.isValid(cookie, for: key, at: otherPort, now: now))
    let otherIP = Address(ip: .v4(0xC000_0202), port: 7782)
    #expect(!cookies.isValid(cookie, for: key, at: otherIP, now: now))
    #expect(!AddressCookie().isValid(cookie, for: key, at: address, now: now))
    #expect(!AddressCookie().isValid(AddressCookie.none, for: key, at: address, now: now))
  }

  @Test func everyFlippedBitAndOtherLengthIsNoticed() {
    let cookie = cookies.make(for: key, at: address, now: .zero)
    #expect(cookie.count == AddressCookie.length)
    for bit in 0..<cookie.count * 8 {
      var altered = cookie
      altered[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!cookies.isValid(altered, for: key, at: address, now: .zero))
    }
    #expect(!cookies.isValid([], for: key, at: address, now: .zero))
    #expect(!cookies.isValid(Array(cookie.dropLast()), for: key, at: address, now: .zero))
    #expect(!cookies.isValid(cookie + [0], for: key, at: address, now: .zero))
  }
}
