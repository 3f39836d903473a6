"""Names of cameras, lenses, films, lights and renderers are no things, and what is called like them stays one."""

from dataclasses import replace

import pytest

from imagerag.prompt_grammar.parser import parse_scene

TAGS = """
    Canon EF 85mm f/1.2L II USM; 70-200mm f/2.8L IS; Sony A7R IV; Nikon Z9; NIKKOR Z 24-70mm f/2.8 S; Sigma 35mm f/1.4
    DG HSM Art; Tamron 28-75mm f/2.8 Di III VXD; Zeiss Otus 55mm; Leica Summilux 50mm ASPH; Canon R3; Canon EOS-1D X
    Mark III; Nikon F3; Pentax 67 II; Fujifilm X100VI; Hasselblad 500C/M; A7R IV; 5D Mark IV; Samyang 14mm;
    Voigtlander Nokton 40mm f/1.2; Laowa 100mm 2x macro; Nikon D500 + Sigma 150-600mm; Kodak T-Max 3200; Ilford Pan F
    50; Fuji Natura 1600; Fomapan 100; Rollei Retro 80S; Kodak Tri-X 400 pushed to 1600; Vision3 500T; Cinestill 50D;
    Polaroid 600; Instax Mini; octabox; large octabox camera left; two strip softboxes; snoot; ring flash; twin flash;
    clamshell setup; gelled backlight; white cyclorama; grey seamless paper; bounce card; barn doors; golden hour sun;
    golden hour glow; golden hour sunlight; warm golden hour light; blue hour glow; soft diffused morning light;
    telephoto lens compression; cel shading; toon shading; thick outlines; sharp edges; creamy background blur; octane
    renderer; V-Ray next; Arnold renderer; Unreal Engine 5.4; Maxwell render; artstation winner; halation; pushed two
    stops; 1/3 stop underexposed; split toning; lifted blacks; dodge and burn; deckled border; retouched; euler a;
    DPM++ 2M Karras; 30 steps; CFG 7; clip skip 2; seed 1234; 1024x1024; aspect ratio 16:9; 16:9 aspect ratio;
    portrait orientation; hyperdetailed; ultra sharp; film border; straight out of camera; NSFW; EV +1; -0.7 EV; T1.5;
    85mm f1.4; 24fps; 180 degree shutter; 25 sec; 30 seconds exposure; wide open; burst mode; continuous autofocus;
    spot metering; bracketed; rule of odds; frame within a frame; MP-E 65mm; TS-E 24mm; dome port; Nikonos; split
    shot; over-under split shot; rolling shot; light and airy; dark and moody; evening sun; tungsten; magenta; night;
    photoreal; fashion editorial; Vogue cover; Dutch masters
"""
WRAPPERS = """
    an environmental portrait of {};
    a corporate headshot of {}; a cyanotype of {}; a wet plate collodion portrait of {};
    a thermal image of {}; a rolling shot of {}; {}. Shot with a Hasselblad 500C/M on Ektar 100.; {} on Kodak Tri-X 400;
    a fine art photograph of {} on Portra 400; an ambrotype of {}; a detail shot of {}
"""
THINGS = {
    "an espresso shot, saucer": ["espresso shot", "saucer"],
    "a family photo on a wall": ["family photo", "wall"],
    "a vogue magazine on a table": ["vogue magazine", "table"],
    "a sticker on a Leica": ["sticker", "leica"],
    "a bowl, orange, lime": ["bowl", "orange", "lime"],
    "a wide open door": ["wide open door"],
    "a picnic, food spread": ["picnic", "food spread"],
    "the night": ["night"],
    "a Canon camera on a table": ["canon camera", "table"],
    "a leica on a desk": ["leica", "desk"],
    "a 35mm camera on a desk": ["35mm camera", "desk"],
    "a 50mm lens on a shelf": ["50mm lens", "shelf"],
    "a softbox in a studio": ["softbox", "studio"],
    "an octabox next to a chair": ["octabox", "chair"],
    "a man holding a telephoto lens": ["man", "telephoto lens"],
    "a man holding a Nikon D850": ["man", "nikon d850"],
    "an octopus render farm": ["octopus render farm"],
    "a golden retriever in golden hour sun": ["golden retriever"],
    "an F-16 above the clouds": ["f-16", "clouds"],
    "F16 over a desert": ["f16", "desert"],
    "mount fuji behind a lake": ["mount fuji", "lake"],
    "a canon ball on a ship": ["canon ball", "ship"],
    "a blender full of strawberries": ["blender full of strawberries"],
    "an umbrella and a reflector": ["umbrella", "reflector"],
    "a street light, a ring light on a stand": ["street light", "ring light", "stand"],
    "a snoot on a shelf": ["snoot", "shelf"],
    "a barn with barn doors": ["barn", "barn door"],
    "a dog with a hat + a cat": ["dog", "hat", "cat"],
    "a masterpiece on a wall": ["masterpiece", "wall"],
    "a film projector, a lens": ["film projector", "lens"],
    "a sigma sign on a door": ["sigma sign", "door"],
    "an arnold palmer on a table": ["arnold palmer", "table"],
    "R2D2 next to a robot": ["r2d2", "robot"],
    "an iv drip beside a bed": ["iv drip", "bed"],
    "a red gel pen": ["gel pen"],
    "a lion, a diffuser on a table": ["lion", "diffuser", "table"],
    "a flight of stairs": ["flight of stairs"],
    "a fox, a seed, an edge of a wood": ["fox", "seed", "edge of a wood"],
    "Ferrari F40 in a garage": ["ferrari f40", "garage"],
    "a Mini Cooper, a BMW Z4": ["mini cooper", "bmw z4"],
    "a Boeing 747 and an AK-47": ["boeing 747", "ak-47"],
    "a photographer with a Canon 5D": ["photographer", "canon 5d"],
    "a Polaroid camera and a Leica M6 on a shelf": ["polaroid camera", "leica m6", "shelf"],
    "an ultra marathon runner": ["ultra marathon runner"],
    "a knife with a sharp edge, thick lines on paper": ["knife", "sharp edge", "thick lines", "paper"],
    "two steps in a garden": ["step", "garden"],
    "a fox, medium shot with a drone over a lake": ["fox", "drone", "lake"],
    "a camera: a gift for a boy": ["camera", "gift for a boy"],
}


def split(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(";")]


@pytest.mark.parametrize("spelt", [str, str.upper])
@pytest.mark.parametrize("tag", split(TAGS))
def test_a_tag_is_no_thing(tag: str, spelt: "type[str]") -> None:
    scene = parse_scene(f"an owl, {spelt(tag)}, a cat")
    assert scene.content_concepts() == ["owl", "cat"]
    assert scene.modifiers
    assert replace(parse_scene(scene.describe()), notes=()) == replace(scene, notes=())


@pytest.mark.parametrize(("prompt", "things"), THINGS.items())
def test_a_thing_stays_a_thing(prompt: str, things: list[str]) -> None:
    scene = parse_scene(prompt)
    assert [thing.phrase.removesuffix("s") for thing in scene.objects] == [thing.removesuffix("s") for thing in things]


@pytest.mark.parametrize(
    "prompt",
    [
        "masterpiece best quality 8k a heron",
        "best quality masterpiece ultra detailed a heron",
        "masterpiece, best quality 8k heron",
        "a heron 400mm f/4 shallow depth of field",
        "a heron golden hour bokeh 85mm",
        "heron 8k octane render highly detailed",
        "a heron, taken with a Sony A7R IV and a 200-600mm lens",
        "a heron shot on a Canon R3 with RF 600mm F4L IS USM lens at 1/3200",
        "a heron rendered in octane render",
        "a heron captured using a Nikon Z8 with a NIKKOR Z 180-600mm f/5.6-6.3 VR lens",
        "a heron bathed in soft golden hour light",
        "a heron, lit by a single softbox from above",
        "a heron on white seamless background",
        "a heron against a seamless grey backdrop",
        "a heron, dark gradient background",
        "Rembrandt lighting with a 120cm octabox, a heron",
        "a heron shot on ARRI Alexa 65 with Panavision C-series anamorphic lenses",
        "heron, masterpiece:1.2, 8k",
        "A cinematic medium shot showing a heron",
        "an overhead flat lay of a heron",
        "a heron, orange and teal grade, full frame, 45 megapixels, white infinity cove",
        "a heron, M.Zuiko 300mm f/4 PRO, Leica DG Vario-Elmarit 100-400mm",
        "a heron, taken on a Pentax K-1 with the FA 77mm Limited",
        "a heron, Sony \u03b17 III, Nikon AF-S Nikkor 500mm f/5.6E PF ED VR",
        "a heron, 10-stop ND filter, 4096 samples, anime screencap",
        "a heron, butterfly light, teal shadows, orange highlights, 5600K daylight balanced, high dynamic range",
        "a heron, lora:film:0.8, sref 12345",
        "The photo shows a heron",
        "Photograph: a heron. Film: Portra 400. Year: 1998",
        "/imagine prompt: a heron --ar 3:2",
        "/imagine a heron --v 7",
        "a heron #goldenhour #85mm #nikon",
        "Subject: a heron. Camera: Nikon Z9. Lens: 85mm f/1.8. Lighting: soft overcast. Mood: quiet, serene.",
        "A heron.\nCamera: Canon R5\nLens: RF 85mm F1.2\nStyle: photojournalism\nColour palette: muted blues",
        "a heron. The lighting is soft and diffused. The mood is calm.",
        "a heron, steps: 30, sampler: euler a, cfg scale: 7",
    ],
)
def test_what_surrounds_a_thing_is_taken_off(prompt: str) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == ["heron"]
    assert parse_scene(scene.describe()).content_concepts() == ["heron"]


def test_a_background_keeps_its_colour() -> None:
    assert parse_scene("a heron on white seamless background").background == "white"
    assert parse_scene("a heron, plain light blue studio backdrop").background == "light blue"


@pytest.mark.parametrize("wrapped", [wrapper.strip() for wrapper in WRAPPERS.split(";")])
def test_kinds_of_photographs_and_films_are_taken_off(wrapped: str) -> None:
    scene = parse_scene(wrapped.format("a fox"))
    assert scene.content_concepts() == ["fox"]
    assert scene.modifiers
