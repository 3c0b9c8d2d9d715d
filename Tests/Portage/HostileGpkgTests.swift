import Portage
import TestSupport
import Testing

@Suite struct HostileGpkgTests {
  static func refusal(_ bytes: [UInt8], _ limits: Gpkg.Limits = Gpkg.Limits()) -> Gpkg.ReadError? {
    do {
      _ = try readGpkg(bytes, limits: limits)
      return nil
    } catch {
      return error as? Gpkg.ReadError
    }
  }

  static func refusal(
    image: [GpkgFixture.Entry], _ limits: Gpkg.Limits = Gpkg.Limits()
  ) -> Gpkg.ReadError? {
    refusal(GpkgFixture(image: image).bytes(), limits)
  }

  @Test(arguments: [
    ("/etc/passwd", Gpkg.PathProblem.absolute), ("image/../x", .climbing), ("../x", .climbing),
    ("image/usr/../../x", .climbing), ("image/..", .climbing), ("x", .outside), ("image", .outside),
    ("imagex/y", .outside), ("image/./x", .notNormal), ("image//x", .notNormal),
    ("./image/x", .notNormal), ("image/a\u{1}b", .characters), ("image/a\nb", .characters),
  ])
  func pathThatLeavesTheImageIsRefused(path: String, problem: Gpkg.PathProblem) {
    #expect(Self.refusal(image: [.file(path, [1])]) == .path(path, problem))
  }

  @Test func pathLongerThanTheBoundIsRefused() {
    let path = "image/" + String(repeating: "d/", count: 2100)
    #expect(Self.refusal(image: [.directory(path)]) == .path("", .tooLong))
  }

  @Test func entryThroughALinkIsRefused() {
    #expect(
      Self.refusal(image: [
        .symbolicLink("image/etc", to: "/etc"), .file("image/etc/passwd", [1]),
      ]) == .path("image/etc/passwd", .throughNonDirectory))
    #expect(
      Self.refusal(image: [
        .file("image/etc/passwd", [1]), .symbolicLink("image/etc", to: "/etc"),
      ]) == .path("image/etc", .throughNonDirectory))
    #expect(
      Self.refusal(image: [.file("image/a", []), .file("image/a/b", [1])])
        == .path("image/a/b", .throughNonDirectory))
  }

  @Test func duplicateEntryIsRefused() {
    #expect(
      Self.refusal(image: [.file("image/a", [1]), .file("image/a", [2])])
        == .path("image/a", .duplicate))
    #expect(
      Self.refusal(image: [.directory("image/a/"), .symbolicLink("image/a", to: "/")])
        == .path("image/a", .duplicate))
  }

  @Test func pathsThatDifferOnlyInUnicodeFormAreDifferent() {
    let composed = "image/\u{e9}"
    let decomposed = "image/e\u{301}"
    #expect(Self.refusal(image: [.file(composed, [1]), .file(decomposed, [2])]) == nil)
  }

  @Test func hardLinkToAnythingButAnEarlierFileIsRefused() {
    #expect(
      Self.refusal(image: [.hardLink("image/x", to: "image/y")]) == .hardLink("image/x"))
    #expect(
      Self.refusal(image: [.hardLink("image/x", to: "/etc/shadow")])
        == .path("/etc/shadow", .absolute))
    #expect(
      Self.refusal(image: [
        .symbolicLink("image/l", to: "/etc/shadow"), .hardLink("image/x", to: "image/l"),
      ]) == .hardLink("image/x"))
  }

  @Test(arguments: [0o020000, 0o060000, 0o010000] as [UInt32])
  func devicesAndFIFOsAreRefused(type: UInt32) {
    #expect(
      Self.refusal(image: [.init(path: "image/dev", type: type)]) == .entryType("image/dev"))
  }

  @Test func decompressionBombIsRefusedByRatio() {
    var limits = Gpkg.Limits()
    limits.freeBytes = 1 << 20
    let zeros = [UInt8](repeating: 0, count: 20 << 20)
    #expect(
      Self.refusal(image: [.file("image/bomb", zeros)], limits) == .ratio(.image, limit: 200))
  }

  @Test func imageLargerThanTheBoundIsRefused() {
    var limits = Gpkg.Limits()
    limits.imageBytes = 1 << 20
    let zeros = [UInt8](repeating: 0, count: 2 << 20)
    #expect(
      Self.refusal(image: [.file("image/big", zeros)], limits)
        == .tooLarge(.image, limit: 1 << 20))
  }

  @Test func bombHiddenBehindTheEndOfTheTarIsRefused() {
    var limits = Gpkg.Limits()
    limits.imageBytes = 1 << 20
    var fixture = GpkgTests.plain
    fixture.compression = .none
    var members = fixture.members()
    members[2].content += [UInt8](repeating: 0, count: 2 << 20)
    let bytes = GpkgFixture.container("h-1", members + [GpkgFixture.manifest(of: members)])
    #expect(Self.refusal(bytes, limits) == .tooLarge(.image, limit: 1 << 20))
  }

  @Test func metadataIsBounded() {
    var limits = Gpkg.Limits()
    limits.metadataEntries = 11
    limits.metadataFileBytes = 100
    limits.metadataBytes = 65_536
    let plain = GpkgFixture()
    #expect(Self.refusal(plain.bytes(), limits) == nil)
    var fixture = plain
    fixture.metadata["MORE"] = [1]
    #expect(
      Self.refusal(fixture.bytes(), limits) == .tooManyEntries(.metadata, limit: 11))
    fixture = plain
    fixture.metadata["USE"] = [UInt8](repeating: 65, count: 101)
    #expect(
      Self.refusal(fixture.bytes(), limits) == .metadataFileTooLarge("USE", limit: 100))
    limits.metadataFileBytes = 1 << 20
    fixture.metadata["USE"] = [UInt8](repeating: 65, count: 80_000)
    #expect(Self.refusal(fixture.bytes(), limits) == .tooLarge(.metadata, limit: 65_536))
  }

  @Test func entriesAndFileAreBounded() {
    var limits = Gpkg.Limits()
    limits.imageEntries = 2
    #expect(
      Self.refusal(GpkgTests.plain.bytes(), limits) == .tooManyEntries(.image, limit: 2))
    limits.fileBytes = 100
    let bytes = GpkgTests.plain.bytes()
    #expect(
      Self.refusal(bytes, limits) == .fileTooLarge(UInt64(bytes.count), limit: 100))
  }

  @Test func metadataNamesAndTypesAreJudged() {
    let swap = { (entries: [GpkgFixture.Entry]) -> Gpkg.ReadError? in
      var members = GpkgFixture().members()
      members[1].content = GpkgFixture.tar(entries, packed: .zstd)
      return Self.refusal(
        GpkgFixture.container("h-1", members + [GpkgFixture.manifest(of: members)]))
    }
    #expect(swap([.file("metadata/../x", [])]) == .path("metadata/../x", .characters))
    #expect(swap([.file("metadata/a/b", [])]) == .path("metadata/a/b", .characters))
    #expect(swap([.file("x", [])]) == .path("x", .outside))
    #expect(swap([.symbolicLink("metadata/x", to: "y")]) == .entryType("metadata/x"))
    #expect(
      swap([.file("metadata/USE", []), .file("metadata/USE", [1])]) == .path("USE", .duplicate))
  }

  @Test func extendedHeadersAreRefused() {
    var members = GpkgTests.plain.members()
    members[2].content = GpkgFixture.tar(
      [.file("image/x", [1])], packed: .zstd, headers: .extended)
    let bytes = GpkgFixture.container("h-1", members + [GpkgFixture.manifest(of: members)])
    #expect(Self.refusal(bytes) == .ambiguousHeader(.image))
  }

  @Test func trailingBytesAreRefused() {
    let bytes = GpkgTests.plain.bytes()
    #expect(Self.refusal(bytes + [UInt8](repeating: 0, count: 5000)) == nil)
    #expect(Self.refusal(bytes + [1]) == .trailingBytes(.container))
    for compression in GpkgFixture.Compression.allCases {
      var fixture = GpkgTests.plain
      fixture.compression = compression
      var members = fixture.members()
      members[2].content += Array("trailing garbage".utf8)
      let bytes = GpkgFixture.container("h-1", members + [GpkgFixture.manifest(of: members)])
      let refusal = Self.refusal(bytes)
      #expect(refusal != nil, "\(compression)")
    }
  }
}
