import Emerge
import Testing
import Wire

@testable import Node

@Suite("larder.yaml")
struct ConfigurationTests {
  private func read(_ yaml: String) throws(ConfigurationError) -> Configuration {
    try Configuration(yaml: yaml, file: "larder.yaml")
  }

  private func message(_ yaml: String) -> String {
    do throws(ConfigurationError) {
      _ = try read(yaml)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func withoutIPv6EveryIPv4AddressIsListenedOn() {
    let every = IPAddress.v6(0, 0)
    #expect(Configuration.Listen.listening(every) { true } == every)
    #expect(Configuration.Listen.listening(every) { false } == .v4(0))
    #expect(Configuration.Listen.listening(.v6(0, 1)) { false } == .v6(0, 1))
    #expect(Configuration.Listen.listening(.v4(0)) { false } == .v4(0))
    #expect(Configuration().listen.address == "::")
  }

  @Test func emptyFileGivesTheDefaults() throws {
    #expect(try read("") == Configuration())
    #expect(try read("# nothing but a comment\n") == Configuration())
    #expect(try read("fetch:\n") == Configuration())
  }

  @Test func everyKeyIsRead() throws {
    let configuration = try read(
      """
      network: test
      role: seeder
      group: portage
      listen: {address: 10.0.0.1, port: 1, advertise: ["192.0.2.1:2"], bootstrap: /b,
        beacon: no, port-mapping: no}
      relay: {enabled: yes, quota: 1MiB, quota-per-peer: 1KiB, slots: 3}
      dht: {journal: /j}
      http: {enabled: no, address: 127.0.0.2, port: 3}
      portage: {command-prefix: [chroot, /x], helper: /h, emerge: em, refresh: [], timeout: 5}
      fetch: {limit-down: 5MB, limit-up: unlimited, limit-down-per-peer: 2MB,
        limit-up-per-peer: 1MB, parallel: 6, connections: 7, share: yes}
      storage: {quota: 1GiB}
      publish: {enabled: yes, licences: [MIT], validity-days: 8}
      cloud: {gateway: "https://a.example/", token-file: /t, daily-limit: 9}
      gateway: {address: 127.0.0.3, port: 10}
      worker: {gateway: "http://127.0.0.1:11", token-file: /w, name: w1, template: /s, layout: separate-root,
        visible: [/v], scratch: [/c], dependency-options: [--usepkg], timeout: 60}
      """)
    #expect(configuration.network == "test")
    #expect(configuration.role == .seeder)
    #expect(configuration.group == "portage")
    #expect(configuration.journal == "/j")
    #expect(configuration.relay.enabled == true)
    #expect(configuration.relay.quota == ByteCount(1 << 20))
    #expect(configuration.relay.quotaPerPeer == ByteCount(1_024))
    #expect(configuration.relay.slots == 3)
    #expect(configuration.listen.address == "10.0.0.1")
    #expect(configuration.listen.port == 1)
    #expect(configuration.listen.advertise.map(\.description) == ["192.0.2.1:2"])
    #expect(configuration.listen.bootstrap == "/b")
    #expect(!configuration.listen.beacon)
    #expect(!configuration.listen.portMapping)
    #expect(!configuration.http.enabled)
    #expect(configuration.http.port == 3)
    #expect(configuration.portage.commandPrefix == ["chroot", "/x"])
    #expect(configuration.portage.refresh.isEmpty)
    #expect(configuration.portage.timeout == .seconds(5))
    #expect(configuration.transfer.limitDown == ByteCount(5_000_000))
    #expect(configuration.transfer.limitUp == nil)
    #expect(configuration.transfer.limitDownPerPeer == ByteCount(2_000_000))
    #expect(configuration.transfer.limitUpPerPeer == ByteCount(1_000_000))
    #expect(configuration.transfer.parallel == 6)
    #expect(configuration.transfer.share)
    #expect(configuration.storage.quota == .gibibytes(1))
    #expect(configuration.publish.enabled)
    #expect(configuration.publish.licences == ["MIT"])
    #expect(configuration.cloud.gateway == "https://a.example")
    #expect(configuration.cloud.dailyLimit == 9)
    #expect(configuration.gateway.port == 10)
    #expect(configuration.worker.timeout == .seconds(60))
    #expect(configuration.worker.layout.rawValue == "separate-root")
    #expect(configuration.worker.scratch == ["/c"])
  }

  @Test func unknownKeyIsNamedWithLineAndColumnAndTheNearestKey() {
    #expect(
      message("network: a\nfetch:\n  limit-donw: 5MB\n")
        == "larder.yaml:3:3: unknown key 'fetch.limit-donw'; did you mean 'fetch.limit-down'?")
    #expect(
      message("taste: sweet\n").hasPrefix("larder.yaml:1:1: unknown key 'taste'; known here:"))
  }

  @Test func unreadableValueSaysWhatToWrite() {
    #expect(
      message("fetch:\n  limit-down: fast\n")
        == "larder.yaml:2:15: 'fetch.limit-down' is \"fast\"; give bytes per second, e.g. 5MB, "
        + "or unlimited")
    #expect(
      message("listen:\n  port: 70000\n").contains("'listen.port' is \"70000\"; give a whole"))
    #expect(message("role: king\n").contains("write desktop or seeder"))
    #expect(message("http:\n  enabled: maybe\n").contains("write true or false"))
    #expect(message("cloud:\n  gateway: builds.example\n").contains("give a URL"))
    #expect(message("listen:\n  advertise: [here]\n").contains("write ADDRESS:PORT"))
  }

  @Test(arguments: [
    "a: [", "a: 'x", "- 1", "fetch: 3", "fetch: [1]", "\t- x", "network: {a: b}", "a: b: c",
    "network: a\nnetwork: b", "? [a]\n: b", "portage:\n  refresh: {a: b}",
  ])
  func malformedFileIsAnErrorWithItsName(yaml: String) {
    let text = message(yaml)
    #expect(text.hasPrefix("larder.yaml"))
    #expect(text != "no error")
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func arbitraryTextNeverTraps(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("abfetchlimit-down:[]{}'\"\n  \t#&*!|>-?,0123é\u{0}".unicodeScalars)
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0..<200, using: &random) {
      text.append(alphabet.randomElement(using: &random) ?? "a")
    }
    _ = message(String(text))
  }
}
