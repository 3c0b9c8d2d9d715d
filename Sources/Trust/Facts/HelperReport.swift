import FoundationEssentials

/// One run's output of the helper `larder-portage`.
public struct HelperReport: Codable, Sendable, Hashable {
  /// Why the helper could not answer.
  public struct Failure: Codable, Sendable, Hashable, Error {
    /// What went wrong: `resolver`, `portage-too-old`, `bad-arguments` or `repository`; others may come.
    public var kind: String
    /// A message for the user, of one or a few lines.
    public var message: String

    /// A failure of this kind.
    public init(kind: String, message: String) {
      self.kind = kind
      self.message = message
    }
  }

  /// The version of the helper's format: 1.
  public var helper: Int
  /// Portage's version; nil where it could not be loaded.
  public var portage: String?
  /// The host; nil in failures and in the list of installed packages.
  public var host: HostFacts?
  /// The packages of a plan, or those described.
  public var packages: [PackageFacts]
  /// The installed packages, where those were asked for.
  public var installed: [InstalledPackage]
  /// Why there is no answer, if there is none.
  public var error: Failure?

  /// A report with these parts.
  public init(
    helper: Int = 1, portage: String? = nil, host: HostFacts? = nil,
    packages: [PackageFacts] = [], installed: [InstalledPackage] = [], error: Failure? = nil
  ) {
    self.helper = helper
    self.portage = portage
    self.host = host
    self.packages = packages
    self.installed = installed
    self.error = error
  }

  /// Reads the keys that are there; lists that are absent are empty.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    helper = try container.decode(Int.self, forKey: .helper)
    portage = try container.decodeIfPresent(String.self, forKey: .portage)
    host = try container.decodeIfPresent(HostFacts.self, forKey: .host)
    packages = try container.decodeIfPresent([PackageFacts].self, forKey: .packages) ?? []
    installed = try container.decodeIfPresent([InstalledPackage].self, forKey: .installed) ?? []
    error = try container.decodeIfPresent(Failure.self, forKey: .error)
  }

  /// The longest output that is read, in bytes (64 MiB): a plan of @world is around 10 MiB.
  public static let longest = 64 << 20

  /// The report in this JSON text, every package validated.
  public init(json: [UInt8]) throws(FactsError) {
    guard json.count <= Self.longest else {
      throw .tooLong(field: "report", count: json.count, limit: Self.longest)
    }
    do {
      self = try JSONDecoder().decode(HelperReport.self, from: Data(json))
    } catch {
      throw FactsError(decoding: error)
    }
    guard helper == 1 else { throw .malformed(field: "helper", value: "\(helper)") }
    for package in packages { try package.validate() }
  }
}

/// An installed package as far as its libraries go.
public struct InstalledPackage: Codable, Sendable, Hashable {
  /// Category, name and version.
  public var cpv: String
  /// The slot.
  public var slot: String
  /// The subslot.
  public var subslot: String?
  /// The repository that it came from.
  public var repository: String?
  /// PROVIDES: the sonames that it has, by multilib category.
  public var provides: String?
  /// BUILD_TIME in Unix seconds.
  public var buildTime: Int64?
  /// BINPKGMD5, where it was merged from a binary or built with one.
  public var md5: String?

  /// An installed package.
  public init(
    cpv: String, slot: String, subslot: String? = nil, repository: String? = nil,
    provides: String? = nil, buildTime: Int64? = nil, md5: String? = nil
  ) {
    self.cpv = cpv
    self.slot = slot
    self.subslot = subslot
    self.repository = repository
    self.provides = provides
    self.buildTime = buildTime
    self.md5 = md5
  }

  enum CodingKeys: String, CodingKey {
    case cpv, slot, subslot, repository, provides
    case buildTime = "build_time"
    case md5 = "binpkgmd5"
  }
}
