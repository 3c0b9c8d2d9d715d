import Portage
import TestSupport
import Testing

@Suite struct GpkgContainerTests {
  static let members = GpkgTests.plain.members()

  static func refusal(
    _ members: [GpkgFixture.Member], manifest: String? = nil
  ) -> Gpkg.ReadError? {
    var last = GpkgFixture.manifest(of: members)
    if let manifest { last.content = Array(manifest.utf8) }
    return HostileGpkgTests.refusal(GpkgFixture.container("hello-1.0-1", members + [last]))
  }

  static func manifest(_ members: [GpkgFixture.Member]) -> String {
    String(decoding: GpkgFixture.manifest(of: members).content, as: UTF8.self)
  }

  @Test func membersStandInTheirOrder() {
    let (marker, metadata, image) = (Self.members[0], Self.members[1], Self.members[2])
    #expect(Self.refusal([marker, metadata, image]) == nil)
    #expect(Self.refusal([metadata, image]) == .unexpectedMember("metadata.tar.zst"))
    #expect(Self.refusal([marker, image, metadata]) == .unexpectedMember("image.tar.zst"))
    #expect(Self.refusal([marker, metadata]) == .unexpectedMember("Manifest"))
    #expect(
      Self.refusal([marker, metadata, image, image]) == .unexpectedMember("image.tar.zst"))
    #expect(
      Self.refusal([marker, metadata, image, .init("evil", [])]) == .unexpectedMember("evil"))
  }

  @Test func containerWithoutManifestIsRefused() {
    #expect(
      HostileGpkgTests.refusal(GpkgFixture.container("h-1", Self.members))
        == .missingMember("Manifest"))
  }

  @Test func nothingFollowsTheManifest() {
    let all = Self.members + [GpkgFixture.manifest(of: Self.members), .init("more", [])]
    #expect(
      HostileGpkgTests.refusal(GpkgFixture.container("h-1", all)) == .unexpectedMember("more"))
  }

  @Test func membersShareOneDirectory() {
    let make = { (path: String) in
      HostileGpkgTests.refusal(GpkgFixture.tar([.file(path, [])], packed: .none))
    }
    #expect(make("gpkg-1") == .unexpectedMember("gpkg-1"))
    #expect(make("a/b/gpkg-1") == .unexpectedMember("a/b/gpkg-1"))
    #expect(make("/a/gpkg-1") == .unexpectedMember("/a/gpkg-1"))
    #expect(make("../gpkg-1") == .unexpectedMember("../gpkg-1"))
    #expect(make("a/gpkg-1") == .missingMember("metadata.tar"))
    let two: [GpkgFixture.Entry] = [.file("a/gpkg-1", []), .file("b/metadata.tar", [])]
    #expect(
      HostileGpkgTests.refusal(GpkgFixture.tar(two, packed: .none))
        == .unexpectedMember("b/metadata.tar"))
  }

  @Test func contentMustBePackedAsItsNameSays() {
    var members = Self.members
    members[2].name = "image.tar.xz"
    #expect(Self.refusal(members) == .compression("image"))
    members[2].name = "image.tar.lz4"
    #expect(Self.refusal(members) == .compression("image.tar.lz4"))
    members[2].name = "image.tar"
    #expect(Self.refusal(members) != nil)
  }

  @Test func packedTwiceIsRefused() {
    var members = Self.members
    let twice = Gzip.packed(Gzip.packed(GpkgFixture.tar([.file("image/x", [])], packed: .none)))
    members[2] = .init("image.tar.gz", twice)
    #expect(Self.refusal(members) == .compression("image"))
  }

  @Test func manifestMustFitTheMembers() {
    let text = Self.manifest(Self.members)
    let lines = text.split(separator: "\n")
    let image = Self.members[2]
    #expect(Self.refusal(Self.members, manifest: text) == nil)
    #expect(
      Self.refusal(Self.members, manifest: "\(lines[0])\n\(lines[1])\n")
        == .manifest(.unnamed("image.tar.zst")))
    #expect(
      Self.refusal(Self.members, manifest: text + "\(lines[0])\n")
        == .manifest(.surplus("gpkg-1")))
    #expect(
      Self.refusal(Self.members, manifest: text + "DATA x 0 BLAKE2B 00\n")
        == .manifest(.surplus("x")))
    #expect(
      Self.refusal(Self.members, manifest: text + "nonsense\n") == .manifest(.malformed(line: 4)))
    let other = "DATA image.tar.zst \(image.content.count) MD5 00\n"
    #expect(
      Self.refusal(Self.members, manifest: "\(lines[0])\n\(lines[1])\n" + other)
        == .manifest(.noKnownDigest("image.tar.zst")))
    let wrong = "DATA image.tar.zst \(image.content.count) BLAKE2B 00\n"
    #expect(
      Self.refusal(Self.members, manifest: "\(lines[0])\n\(lines[1])\n" + wrong)
        == .manifest(.digest("image.tar.zst", algorithm: "BLAKE2B")))
    let size = "DATA image.tar.zst 7 BLAKE2B 00\n"
    #expect(
      Self.refusal(Self.members, manifest: "\(lines[0])\n\(lines[1])\n" + size)
        == .manifest(.size("image.tar.zst")))
  }

  @Test func changedMemberIsRefusedByItsDigest() {
    let manifest = Self.manifest(Self.members)
    var fixture = GpkgTests.plain
    fixture.metadata["SLOT"] = Array("1\n".utf8)
    var members = Self.members
    members[1] = fixture.members()[1]
    let refusal = Self.refusal(members, manifest: manifest)
    #expect(
      refusal == .manifest(.digest("metadata.tar.zst", algorithm: "BLAKE2B"))
        || refusal == .manifest(.size("metadata.tar.zst")))
  }
}
