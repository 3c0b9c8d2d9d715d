import FoundationEssentials
import Testing
import Wire

@testable import Trust

@Suite("Facts") struct FactsTests {
  @Test func packagesSurviveARoundTripThroughJSON() throws {
    let facts = Samples.facts {
      $0.gpkg = PackageFacts.BuiltFile(file: "/p/a.gpkg.tar", size: 12, md5: "ab", buildTime: 5)
      $0.provenance = Provenance(
        installedMD5: "ab", built: .init(started: 1, finished: nil), secrets: ["path: /home/a"])
    }
    let report = HelperReport(portage: "3.0.83", host: Samples.host(), packages: [facts])
    let json = try JSONEncoder().encode(report)
    #expect(try HelperReport(json: Array(json)) == report)
  }

  @Test func keysAreThoseOfTheHelper() throws {
    let json = String(decoding: try JSONEncoder().encode(Samples.facts()), as: UTF8.self)
    for key in [
      "type", "default_abi", "user_patches", "extra_econf", "mycmakeargs", "pkg_install_mask",
      "content_features", "BDEPEND", "normalized",
    ] { #expect(json.contains("\"\(key)\":")) }
  }

  @Test func unknownKeysAreIgnored() throws {
    var text = String(decoding: try JSONEncoder().encode(Samples.facts()), as: UTF8.self)
    text = "{\"later\":{\"a\":[1]}," + text.dropFirst()
    let facts = try JSONDecoder().decode(PackageFacts.self, from: Data(text.utf8))
    #expect(facts == Samples.facts())
  }

  @Test func aMissingKeyIsNamed() {
    let json = #"{"helper":1,"portage":"3","packages":[{"type":"ebuild"}]}"#
    #expect(throws: FactsError.unreadable("packages[0]: category is missing")) {
      try HelperReport(json: Array(json.utf8))
    }
  }

  @Test func failuresAreReported() throws {
    let json = #"{"helper":1,"error":{"kind":"portage-too-old","message":"3.0.50"}}"#
    let report = try HelperReport(json: Array(json.utf8))
    #expect(report.error == HelperReport.Failure(kind: "portage-too-old", message: "3.0.50"))
    #expect(report.packages.isEmpty)
  }

  typealias Change = @Sendable (inout PackageFacts) -> Void
  static let hostile: [(String, Change)] = [
    ("package", { $0.package = "../../etc" }),
    ("package", { $0.category = "app lab" }),
    ("version", { $0.version = "1.0\n" }),
    ("slot", { $0.slot = "" }),
    ("slot", { $0.slot = "0/2" }),
    ("repository", { $0.repository = "gen too" }),
    ("use", { $0.use = ["nls\u{0}"] }),
    ("use", { $0.use = [""] }),
    ("target.usr", { $0.target.usr = "both" }),
    ("target.libdirs", { $0.target.libdirs = ["": "lib"] }),
    ("depend.RDEPEND", { $0.depend.rdepend = "|| ( a/b" }),
    ("depend.RDEPEND", { $0.depend.rdepend = "nls? ( a/b )" }),
    ("distfiles.name", { $0.distfiles[0].name = "../passwd" }),
    ("distfiles.name", { $0.distfiles.append($0.distfiles[0]) }),
    ("local.linguas", { $0.local.linguas = "a\u{1}" }),
    ("cpu.level", { $0.cpu.level = "x86-64-v9" }),
    ("recipe.ebuild", { $0.recipe.ebuild = "xyz" }),
    ("index.LICENSE", { $0.index["LICENSE"] = "a\nCPV: b/c-1" }),
  ]

  @Test(arguments: hostile.indices) func malformedFactsAreRefusedByField(row: Int) {
    let (field, change) = Self.hostile[row]
    var facts = Samples.facts()
    change(&facts)
    do {
      try facts.validate()
      Issue.record("accepted a malformed \(field)")
    } catch {
      guard case .malformed(let named, _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(named == field)
    }
  }

  @Test func boundsAreKept() {
    let long = String(repeating: "a", count: PackageFacts.Bounds.text + 1)
    #expect(throws: FactsError.self) {
      try Samples.facts { $0.local.linguas = long }.validate()
    }
    #expect(throws: FactsError.self) {
      try Samples.facts { $0.use = (0...PackageFacts.Bounds.list).map { "f\($0)" } }.validate()
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let report = HelperReport(portage: "3", host: Samples.host(), packages: [Samples.facts()])
    var json = Array(try JSONEncoder().encode(report))
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let at = Int.random(in: 0..<json.count, using: &random)
      json[at] = UInt8.random(in: 0...255, using: &random)
    }
    if Bool.random(using: &random) {
      json.removeLast(Int.random(in: 0..<json.count, using: &random))
    }
    if let report = try? HelperReport(json: json) {
      for package in report.packages { _ = try? Fingerprint(of: package) }
    }
  }
}
