import Portage
import TestSupport
import Testing

/// Reads bytes as a package from a file.
func readGpkg(
  _ bytes: [UInt8], limits: Gpkg.Limits = Gpkg.Limits()
) throws -> (metadata: GpkgMetadata, image: ImageRecorder) {
  let file = try TemporaryFile(bytes)
  var image = ImageRecorder()
  let metadata = try Gpkg.read(
    path: file.path, limits: limits, digest: { BLAKE2bMemberDigest() }, visitor: &image)
  return (metadata, image)
}

@Suite struct GpkgTests {
  static let program = Array("#!/bin/sh\necho hello\n".utf8)

  static let plain = GpkgFixture(image: [
    .directory("image/"), .directory("image/usr/"), .directory("image/usr/bin/"),
    .file("image/usr/bin/hello", program, mode: 0o4755),
    .symbolicLink("image/usr/bin/hi", to: "hello"),
    .hardLink("image/usr/bin/hallo", to: "image/usr/bin/hello"),
    .file("image/usr/share/empty", []),
  ])

  @Test(arguments: GpkgFixture.Compression.allCases)
  func everyCompressionReads(compression: GpkgFixture.Compression) throws {
    var fixture = Self.plain
    fixture.compression = compression
    let (metadata, image) = try readGpkg(fixture.bytes())
    #expect(metadata.container == "hello-1.0-1")
    #expect(metadata.cpv?.description == "app-lab/hello-1.0")
    #expect(metadata["SLOT"] == "0")
    #expect(metadata["IUSE"] == "")
    #expect(metadata["KEYWORDS"] == nil)
    #expect(metadata.buildTime == 1_700_000_000)
    #expect(metadata.ebuild == Array("EAPI=8\n".utf8))
    #expect(image.contents == ["usr/bin/hello": Self.program])
    #expect(image.left == 7)
    let paths = image.entries.map(\.path)
    #expect(
      paths == [
        "", "usr", "usr/bin", "usr/bin/hello", "usr/bin/hi", "usr/bin/hallo", "usr/share/empty",
      ])
    #expect(image.entries[3].mode == 0o4755)
    #expect(image.entries[3].size == UInt64(Self.program.count))
    #expect(image.entries[4].kind == .symbolicLink(target: "hello"))
    #expect(image.entries[5].kind == .hardLink(target: "usr/bin/hello"))
    #expect(image.entries[3].userName == "root")
  }

  @Test func packageOfRealPortageReads() throws {
    let (metadata, image) = try readGpkg(try Fixture.bytes("caskcat-1.0-2.gpkg.tar"))
    #expect(metadata.cpv?.description == "app-lab/caskcat-1.0")
    #expect(metadata["RDEPEND"] == "dev-lab/libcask:0/2=")
    #expect(metadata["repository"] == "larder-lab")
    #expect(metadata.ebuild?.isEmpty == false)
    #expect(metadata.environment?.prefix(3) == ArraySlice("BZh".utf8))
    #expect(!metadata.hasSignatures)
    #expect(image.entries.map(\.path) == ["", "usr", "usr/bin", "usr/bin/caskcat"])
    #expect(image.contents["usr/bin/caskcat"]?.count == 14376)
  }

  @Test func largeContentArrivesInPieces() throws {
    var random = SeededRandom(seed: 3)
    let content = (0..<1_000_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let (_, image) = try readGpkg(
      GpkgFixture(image: [.file("image/opt/blob", content), .file("image/opt/next", [1])]).bytes())
    #expect(image.contents["opt/blob"] == content)
    #expect(image.contents["opt/next"] == [1])
  }

  @Test func longNamesRead() throws {
    let long = "image/" + String(repeating: "directory/", count: 30) + "file"
    let (_, image) = try readGpkg(
      GpkgFixture(image: [
        .file(long, [7]), .symbolicLink("image/link", to: long), .hardLink("image/hard", to: long),
      ]).bytes())
    #expect(image.entries.first?.path == String(long.dropFirst(6)))
    #expect(image.entries.count == 3)
  }

  @Test func signedContainerReads() throws {
    var members = Self.plain.members()
    members.insert(.init("\(members[1].name).sig", [1, 2, 3]), at: 2)
    members.append(.init("\(members[3].name).sig", [4, 5]))
    let inner = String(decoding: GpkgFixture.manifest(of: members).content, as: UTF8.self)
    let text = """
      -----BEGIN PGP SIGNED MESSAGE-----
      Hash: SHA512

      \(inner)-----BEGIN PGP SIGNATURE-----

      iQ==
      -----END PGP SIGNATURE-----

      """
    let bytes = GpkgFixture.container(
      "hello-1.0-1", members + [.init("Manifest", Array(text.utf8))])
    #expect(try readGpkg(bytes).metadata.hasSignatures)
  }

  @Test func fileThatIsNoFileIsRefused() {
    var image = ImageRecorder()
    #expect(throws: Gpkg.ReadError.notAFile) {
      try Gpkg.read(path: "/dev/null", digest: { BLAKE2bMemberDigest() }, visitor: &image)
    }
    #expect(throws: Gpkg.ReadError.cannotRead(errno: 2)) {
      try Gpkg.read(path: "/nowhere/x", digest: { BLAKE2bMemberDigest() }, visitor: &image)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var fixture = Self.plain
    let all = GpkgFixture.Compression.allCases
    fixture.compression = all.randomElement(using: &random) ?? .zstd
    let bytes = fixture.bytes()
    let damaged = random.damaged(bytes)
    guard damaged != bytes else { return }
    // Header fields that nobody judges (times, names of the container's owner) may change.
    _ = try? readGpkg(damaged)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = Self.plain.bytes()
    let end = bytes.lastIndex { $0 != 0 } ?? 0
    for length in stride(from: 0, to: end, by: 97) {
      #expect(throws: Gpkg.ReadError.self) { try readGpkg(Array(bytes.prefix(length))) }
    }
  }
}
