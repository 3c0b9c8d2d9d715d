import Testing
import Wire

@Suite struct AddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"),
    ("0.0.0.0", "0.0.0.0"),
    ("255.255.255.255", "255.255.255.255"),
    ("::", "::"),
    ("::1", "::1"),
    ("1::", "1::"),
    ("2001:DB8::1", "2001:db8::1"),  // RFC 5952 §4.3: lower case
    ("2001:0db8::0001", "2001:db8::1"),  // §4.1: no leading zeros
    ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),  // §4.2.1: as short as possible
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),  // §4.2.2: not for one group
    ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),  // §4.2.3: the longest run
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),  // §4.2.3: the first of equal runs
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"),
    ("::ffff:192.0.2.1", "192.0.2.1"),  // mapped IPv4 is IPv4
    ("::192.0.2.1", "::c000:201"),
  ])
  func printsAsRFC5952Says(text: String, printed: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == printed)
    #expect(IPAddress(printed) == address)
  }

  @Test(arguments: [
    "", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1",
    "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.0x4", "0001.2.3.4",
    "１.2.3.4",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
    "1:2:3:4:5:6:7::8", "12345::", "g::", ":1", "1:", ":1::", "1:::2", "::1%eth0", "::1/64",
    "[::1]",
    "1.2.3.4::", "1.2.3.4::1", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    "::１", "::1\u{301}", "\u{301}::1", "::1\r\n", "::\u{0}",
    "0000000000000000000000000000000000000000::1",
  ])
  func refusesWhatIsNoAddress(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("192.0.2.1:7782", "192.0.2.1:7782"), ("[2001:DB8::1]:1", "[2001:db8::1]:1"),
    ("[::]:65535", "[::]:65535"), ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
  ])
  func parsesAddressesWithPorts(text: String, printed: String) throws {
    let address = try #require(Address(text))
    #expect(address.description == printed)
    #expect(Address(compact: address.compact) == address)
  }

  @Test(arguments: [
    "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+80", "192.0.2.1:-1",
    "192.0.2.1:080", "192.0.2.1: 80", "192.0.2.1:80 ", "192.0.2.1:８０", "::1:80", "[::1]",
    "[::1]80", "[192.0.2.1]:80", "[::1:80", "::1]:80", "[]:80", ":80", "localhost:80",
    "192.0.2.1:99999999999999999999",
  ])
  func refusesWhatIsNoAddressWithPort(text: String) {
    #expect(Address(text) == nil)
  }

  @Test(arguments: [
    ("0.0.0.0", false), ("0.255.255.255", false), ("1.0.0.0", true), ("9.255.255.255", true),
    ("10.0.0.0", false), ("10.255.255.255", false), ("11.0.0.0", true),
    ("100.63.255.255", true), ("100.64.0.0", false), ("100.127.255.255", false),
    ("100.128.0.0", true), ("126.255.255.255", true), ("127.0.0.1", false), ("128.0.0.0", true),
    ("169.253.255.255", true), ("169.254.0.1", false), ("169.255.0.0", true),
    ("172.15.255.255", true), ("172.16.0.0", false), ("172.31.255.255", false),
    ("172.32.0.0", true), ("192.0.0.8", false), ("192.0.2.1", false), ("192.0.3.0", true),
    ("192.167.255.255", true), ("192.168.0.0", false), ("192.168.255.255", false),
    ("192.169.0.0", true), ("198.17.255.255", true), ("198.18.0.0", false),
    ("198.19.255.255", false), ("198.20.0.0", true), ("198.51.100.7", false),
    ("203.0.113.7", false), ("223.255.255.255", true), ("224.0.0.1", false), ("240.0.0.1", false),
    ("255.255.255.255", false), ("::", false), ("::1", false), ("fe80::1", false),
    ("fc00::1", false), ("fdff::1", false), ("ff02::1", false), ("2001:db8::1", false),
    ("2001:2::1", false), ("2001:2:1::1", true), ("2001:67c::1", true), ("3fff::1", false),
    ("3fff:1000::1", true), ("2000::", true), ("2a00:1450::1", true), ("2002:a00:1::", true),
    ("4000::1", false), ("1fff::1", false), ("::ffff:10.0.0.1", false), ("::ffff:8.8.8.8", true),
  ])
  func knowsWhichAddressesAreGlobal(text: String, isGlobal: Bool) throws {
    #expect(try #require(IPAddress(text)).isGlobal == isGlobal)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.255.0.3", true), ("128.0.0.1", false), ("::1", true), ("::", false),
    ("::2", false),
  ])
  func knowsLoopback(text: String, isLoopback: Bool) throws {
    #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("203.0.113.77", -1, "0.0.0.0"), ("203.0.113.77", 0, "0.0.0.0"),
    ("203.0.113.77", 1, "128.0.0.0"), ("203.0.113.77", 16, "203.0.0.0"),
    ("203.0.113.77", 24, "203.0.113.0"), ("203.0.113.77", 32, "203.0.113.77"),
    ("203.0.113.77", 99, "203.0.113.77"), ("2001:db8:1:2:3:4:5:6", 0, "::"),
    ("2001:db8:1:2:3:4:5:6", 32, "2001:db8::"), ("2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::"),
    ("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::"),
    ("2001:db8:1:2:8003:4:5:6", 65, "2001:db8:1:2:8000::"),
    ("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6"),
    ("2001:db8:1:2:3:4:5:6", 999, "2001:db8:1:2:3:4:5:6"),
  ])
  func clearsTheHostBits(text: String, length: Int, network: String) throws {
    #expect(try #require(IPAddress(text)).network(length) == IPAddress(network))
  }

  @Test(arguments: [0, 1, 3, 4, 5, 7, 15, 16, 17, 19])
  func compactFormHasSixOrEighteenBytes(count: Int) {
    #expect(Address(compact: [UInt8](repeating: 1, count: count)) == nil)
  }

  @Test func compactFormWithPortZeroIsRefused() {
    #expect(Address(compact: [192, 0, 2, 1, 0, 0]) == nil)
    #expect(Address(compact: [192, 0, 2, 1, 30, 102])?.description == "192.0.2.1:7782")
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyAddressSurvivesItsTextAndItsBytes(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var bytes = (0..<(seed % 2 == 0 ? 4 : 16)).map { _ in UInt8.random(in: 0...255, using: &random)
    }
    if bytes.count == 16 {  // runs of zeros are what the printer must get right
      for group in 0..<8 where Bool.random(using: &random) {
        bytes[group * 2] = 0
        bytes[group * 2 + 1] = UInt8.random(in: 0...1, using: &random)
      }
    }
    let ip = try #require(IPAddress(bytes: bytes))
    #expect(ip.bytes == bytes)
    #expect(IPAddress(ip.description) == ip)
    let address = Address(ip: ip, port: UInt16.random(in: 1...65535, using: &random))
    #expect(Address(address.description) == address)
    #expect(Address(compact: address.compact) == address)
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func garbageNeverTrapsTheParser(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("0123456789abcf:::..[]%+ \u{301}\r\n")
    let text = String(
      (0..<Int.random(in: 0...50, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      })
    if let ip = IPAddress(text) { #expect(IPAddress(ip.description) == ip) }
    if let address = Address(text) { #expect(Address(address.description) == address) }
  }
}
