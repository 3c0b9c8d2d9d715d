import DHT
import Emerge
import FoundationEssentials
import Wire

extension Configuration {
  /// The settings in the text of a `larder.yaml`.
  public init(yaml text: String, file: String) throws(ConfigurationError) {
    self.init()
    var top = try YAMLSection(text: text, file: file)
    network = try top.string("network") ?? network
    guard (1...64).contains(network.utf8.count) else {
      throw top.error("network", "must have 1 to 64 bytes")
    }
    role = try top.value("role", hint: "write desktop or seeder") { NodeRole(rawValue: $0) } ?? role
    group = try top.string("group") ?? group

    var section = try top.section("listen")
    try listen.read(&section)
    section = try top.section("relay")
    try relay.read(&section)
    section = try top.section("dht")
    journal = try section.string("journal")
    lookup =
      try section.value("lookup", hint: "write all, peers-only or seeders-only") {
        LookupScope(rawValue: $0)
      } ?? lookup
    try section.finish()
    section = try top.section("http")
    try http.read(&section)
    section = try top.section("portage")
    try portage.read(&section)
    section = try top.section("fetch")
    try transfer.read(&section)
    section = try top.section("storage")
    storage.quota = try section.size("quota", example: "20GB") ?? storage.quota
    try section.finish()
    section = try top.section("publish")
    try publish.read(&section)
    section = try top.section("cloud")
    try cloud.read(&section)
    section = try top.section("gateway")
    try Self.readEndpoint(&section, &gateway.address, &gateway.port)
    try section.finish()
    section = try top.section("worker")
    try worker.read(&section)
    try top.finish()
  }

  /// The settings of the node at `paths`; the defaults if it has no file.
  public static func load(_ paths: Paths) throws(ConfigurationError) -> Configuration {
    let file = paths.configurationFile
    guard FileManager.default.fileExists(atPath: file) else { return Configuration() }
    guard let bytes = FileManager.default.contents(atPath: file), bytes.count <= 1 << 20 else {
      throw ConfigurationError(
        file: file, line: 0, column: 0, message: "can't be read, or is over 1 MiB")
    }
    return try Configuration(yaml: String(decoding: bytes, as: UTF8.self), file: file)
  }

  fileprivate static func readEndpoint(
    _ section: inout YAMLSection, _ address: inout String, _ port: inout UInt16
  ) throws(ConfigurationError) {
    let hint = "give an IP address, e.g. 127.0.0.1"
    address = try section.value("address", hint: hint) { IPAddress($0)?.description } ?? address
    port = try section.number("port", 0...65_535).map { UInt16($0) } ?? port
  }
}

extension Configuration.Listen {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    try Configuration.readEndpoint(&section, &address, &port)
    for text in try section.strings("advertise") ?? [] {
      guard let address = Address(text) else {
        throw section.error(
          "advertise", "holds \"\(text)\"; write ADDRESS:PORT, e.g. 192.0.2.7:7782")
      }
      advertise.append(address)
    }
    guard advertise.count <= Limits.addressesPerProvider else {
      throw section.error("advertise", "holds more than \(Limits.addressesPerProvider) addresses")
    }
    bootstrap = try section.string("bootstrap")
    beacon = try section.flag("beacon") ?? beacon
    portMapping = try section.flag("port-mapping") ?? portMapping
    try section.finish()
  }
}

extension Configuration.Relay {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    enabled = try section.flag("enabled") ?? enabled
    quota = try section.size("quota", example: "4GiB") ?? quota
    quotaPerPeer = try section.size("quota-per-peer", example: "512MiB") ?? quotaPerPeer
    slots = try section.number("slots", 1...4_096) ?? slots
    try section.finish()
  }
}

extension Configuration.HTTP {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    enabled = try section.flag("enabled") ?? enabled
    try Configuration.readEndpoint(&section, &address, &port)
    names = try section.strings("names") ?? names
    try section.finish()
  }
}

extension Configuration.Portage {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    commandPrefix = try section.strings("command-prefix") ?? commandPrefix
    helper = try section.string("helper") ?? helper
    emerge = try section.string("emerge") ?? emerge
    refresh = try section.strings("refresh") ?? refresh
    timeout = try section.number("timeout", 1...86_400).map { .seconds($0) } ?? timeout
    try section.finish()
  }
}

extension Configuration.Transfer {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    limitDown = try Self.rate(&section, "limit-down")?.limit
    limitUp = try Self.rate(&section, "limit-up")?.limit
    limitDownPerPeer = try Self.rate(&section, "limit-down-per-peer")?.limit
    limitUpPerPeer = try Self.rate(&section, "limit-up-per-peer")?.limit
    metered = try section.flag("metered") ?? metered
    for var hours in try section.sections("schedule") { schedule.append(try Self.hours(&hours)) }
    parallel = try section.number("parallel", 1...64) ?? parallel
    connections = try section.number("connections", 1...10_000) ?? connections
    share = try section.flag("share") ?? share
    try section.finish()
  }

  private static func rate(
    _ section: inout YAMLSection, _ key: String
  ) throws(ConfigurationError) -> TransferHours.Rate? {
    let hint = "give bytes per second, e.g. 5MB, or unlimited"
    let rate = try section.value(key, hint: hint) { text -> TransferHours.Rate? in
      text == "unlimited" ? .unlimited : ByteCount(text).map { .limited($0) }
    }
    if let limit = rate?.limit, limit.bytes < 16 << 10 {
      throw section.error(key, "is below 16 KiB a second, too little for one block in time")
    }
    return rate
  }

  private static func hours(
    _ section: inout YAMLSection
  ) throws(ConfigurationError) -> TransferHours {
    var hours = TransferHours()
    if let words = try section.strings("days") {
      hours.days = []
      for word in words {
        guard let days = TransferHours.days(word) else {
          throw section.error("days", "holds \"\(word)\"; write days like mon, sat or mon-fri")
        }
        hours.days.formUnion(days)
      }
    }
    let hint = "give the hour and minute in quotes, e.g. \"08:30\""
    hours.from = try section.value("from", hint: hint) { TransferHours.minute($0) } ?? hours.from
    hours.to = try section.value("to", hint: hint) { TransferHours.minute($0) } ?? hours.to
    guard hours.from < 1_440 else { throw section.error("from", "must be before 24:00") }
    hours.limitDown = try rate(&section, "limit-down")
    hours.limitUp = try rate(&section, "limit-up")
    hours.isMetered = try section.flag("metered")
    try section.finish()
    return hours
  }
}

extension Configuration.Publish {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    enabled = try section.flag("enabled") ?? enabled
    licences = try section.strings("licences") ?? licences
    validity =
      try section.number("validity-days", 1...400).map { .seconds($0 * 86_400) } ?? validity
    try section.finish()
  }
}

extension Configuration.Cloud {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    gateway = try section.value("gateway", hint: urlHint, validURL)
    tokenFile = try section.string("token-file")
    dailyLimit = try section.number("daily-limit", 0...10_000) ?? dailyLimit
    try section.finish()
  }
}

extension Configuration.Worker {
  fileprivate mutating func read(_ section: inout YAMLSection) throws(ConfigurationError) {
    gateway = try section.value("gateway", hint: urlHint, validURL) ?? gateway
    tokenFile = try section.string("token-file")
    name = try section.string("name")
    template = try section.string("template")
    layout =
      try section.value("layout", hint: "write whole-system or separate-root") {
        WorkerSettings.Layout(rawValue: $0)
      } ?? layout
    visible = try section.strings("visible") ?? visible
    scratch = try section.strings("scratch") ?? scratch
    dependencyOptions = try section.strings("dependency-options") ?? dependencyOptions
    timeout = try section.number("timeout", 60...604_800).map { .seconds($0) } ?? timeout
    try section.finish()
  }
}

private let urlHint = "give a URL, e.g. https://builds.example.org"

private func validURL(_ text: String) -> String? {
  guard let scheme = ["https://", "http://"].first(where: text.hasPrefix),
    text.utf8.count > scheme.utf8.count, text.utf8.count <= 2_048, !text.contains(" ")
  else { return nil }
  return text.hasSuffix("/") ? String(text.dropLast()) : text
}
