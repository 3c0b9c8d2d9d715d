import Foundation
import Portage
import TestSupport
import Testing

@testable import Binhost

private func configuration(
  _ directory: TemporaryDirectory, features: Set<String> = []
) -> PortageConfiguration {
  var settings = PortageConfiguration.Settings()
  settings.binrepos = directory.path + "/etc/portage/binrepos.conf"
  settings.binhost = "/var/lib/larder/binhost"
  settings.features = features
  return PortageConfiguration(settings)
}

private let name = "etc/portage/binrepos.conf"

private func text(_ directory: TemporaryDirectory, _ name: String) throws -> String {
  String(decoding: try directory.read(name), as: UTF8.self)
}

private func checkSection(_ text: String) throws {
  let section = try #require(try BinrepoConfiguration(text).section("larder"))
  #expect(section["sync-uri"] == "file:///var/lib/larder/binhost/current")
  #expect(section["verify-signature"] == "false")
  #expect(section["location"] == "/var/lib/larder/binhost-cache")
  #expect(section["priority"] == "10")
}

@Test func directoryGetsAFileOfOurOwn() throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array("[gentoo]\nsync-uri = https://x/\n".utf8), to: name + "/gentoo.conf")
  let configuration = configuration(directory)
  let actions = try configuration.setup()
  let path = directory.path + "/" + name + "/larder.conf"
  #expect(actions == [.wrote(path: path, text: configuration.section)])
  #expect(actions[0].description.contains("sync-uri = file://"))
  try checkSection(text(directory, name + "/larder.conf"))
  #expect(try configuration.setup() == [.unchanged(path)])
  #expect(try configuration.undo() == [.removedFile(path)])
  #expect(!directory.exists(name + "/larder.conf") && directory.exists(name + "/gentoo.conf"))
  #expect(try configuration.undo() == [.unchanged(path)])
}

@Test func absentFileIsMadeAndGoesAgain() throws {
  let directory = try TemporaryDirectory()
  let configuration = configuration(directory)
  let path = directory.path + "/" + name
  let actions = try configuration.setup()
  #expect(
    actions == [
      .made(directory.path + "/etc/portage"), .wrote(path: path, text: configuration.section),
    ])
  try checkSection(text(directory, name))
  #expect(try configuration.setup() == [.unchanged(path)])
  #expect(try configuration.undo() == [.removedFile(path)])
  #expect(!directory.exists(name))
}

@Test(arguments: [
  "", "\n", "# only a comment", "[gentoo]\nsync-uri = https://x/",
  "[gentoo]\nsync-uri=https://x/\n",
  "[a]\r\nsync-uri = https://x/\r\n", "[a]\nsync-uri = https://x/\n\n\n\n",
  "# ü\n[a]\nx=1\n# end\n",
])
func undoGivesBackTheVeryBytes(former: String) throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array(former.utf8), to: name)
  let configuration = configuration(directory)
  let path = directory.path + "/" + name
  #expect(try configuration.setup() == [.added(path: path, text: configuration.section)])
  try checkSection(text(directory, name))
  #expect(try configuration.setup() == [.unchanged(path)])
  #expect(try configuration.undo() == [.removedSection(path: path)])
  #expect(try directory.read(name) == Array(former.utf8))
}

@Test func whatStandsAfterOurSectionStays() throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array("[a]\nsync-uri = https://x/".utf8), to: name)
  let configuration = configuration(directory)
  _ = try configuration.setup()
  let later = try text(directory, name) + "\n[b]\nsync-uri = https://y/\n"
  try directory.write(Array(later.utf8), to: name)
  _ = try configuration.undo()
  let left = try BinrepoConfiguration(text(directory, name))
  #expect(left.sections.map(\.name) == ["a", "b"])
}

@Test func changedSettingsUpdateOurSection() throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array("[a]\nsync-uri = https://x/\n".utf8), to: name)
  _ = try configuration(directory).setup()
  var settings = PortageConfiguration.Settings()
  settings.binrepos = directory.path + "/" + name
  settings.binhost = "/srv/binhost"
  let other = PortageConfiguration(settings)
  #expect(try other.setup() == [.updated(path: settings.binrepos, text: other.section)])
  #expect(try text(directory, name).contains("file:///srv/binhost/current"))
  _ = try other.undo()
  #expect(try text(directory, name) == "[a]\nsync-uri = https://x/\n")
}

@Test func demandedSignaturesRefuseTheSetup() throws {
  let directory = try TemporaryDirectory()
  let configuration = configuration(directory, features: ["buildpkg", "binpkg-request-signature"])
  #expect(throws: PortageConfiguration.Refusal.signaturesDemanded) {
    _ = try configuration.setup()
  }
  #expect(!directory.exists("etc"))
  let words = PortageConfiguration.Refusal.signaturesDemanded.description
  #expect(words.contains("binpkg-request-signature") && words.contains("make.conf"))
}

@Test func foreignSectionOfThatNameIsLeftAlone() throws {
  let directory = try TemporaryDirectory()
  let foreign = "[larder]\nsync-uri = https://x/\n"
  try directory.write(Array(foreign.utf8), to: name)
  let path = directory.path + "/" + name
  let refusal = PortageConfiguration.Refusal.sectionExists(name: "larder", path: path)
  #expect(throws: refusal) { _ = try configuration(directory).setup() }
  #expect(try configuration(directory).undo() == [.unchanged(path)])
  #expect(try text(directory, name) == foreign)

  let other = try TemporaryDirectory()
  try other.write(Array(foreign.utf8), to: name + "/mine.conf")
  #expect(throws: PortageConfiguration.Refusal.self) { _ = try configuration(other).setup() }
}

@Test func fileThatIsNotUnderstoodIsLeftAlone() throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array("nonsense\n".utf8), to: name)
  #expect(throws: PortageConfiguration.Refusal.self) { _ = try configuration(directory).setup() }
  #expect(try text(directory, name) == "nonsense\n")
}

@Test(arguments: ["relative/path", "/with space", "/per%cent", "/line\nbreak", "/#"])
func pathsThatTheFileCannotHoldAreRefused(path: String) throws {
  let directory = try TemporaryDirectory()
  var settings = PortageConfiguration.Settings()
  settings.binrepos = directory.path + "/" + name
  settings.binhost = path
  #expect(throws: PortageConfiguration.Refusal.badPath(path)) {
    _ = try PortageConfiguration(settings).setup()
  }
}

@Test func linkedFileIsEditedInPlaceWithItsMode() throws {
  let directory = try TemporaryDirectory()
  try directory.write(Array("[a]\nsync-uri = https://x/\n".utf8), to: "real.conf")
  let manager = FileManager.default
  try manager.setAttributes(
    [.posixPermissions: 0o600], ofItemAtPath: directory.path + "/real.conf")
  try manager.createDirectory(
    atPath: directory.path + "/etc/portage", withIntermediateDirectories: true)
  try manager.createSymbolicLink(
    atPath: directory.path + "/" + name, withDestinationPath: directory.path + "/real.conf")
  _ = try configuration(directory).setup()
  try checkSection(text(directory, "real.conf"))
  let attributes = try manager.attributesOfItem(atPath: directory.path + "/real.conf")
  #expect(attributes[.posixPermissions] as? Int == 0o600)
  let link = try manager.attributesOfItem(atPath: directory.path + "/" + name)
  #expect(link[.type] as? FileAttributeType == .typeSymbolicLink)
}
