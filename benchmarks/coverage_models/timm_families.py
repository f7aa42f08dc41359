"""A small member of each family of timm."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from . import kernels as _kernels  # noqa: F401 - timm imports torchvision
from .case import Case


# The kernels must be declared first.
import timm  # isort: skip


#: Pixels where the network does not ask for a fixed number.
PIXELS = 96

#: By timm's module. A family with members of different make has several.
MEMBERS = """\
beit: beit_base_patch16_224
byoanet: halonet_h1 eca_botnext26ts_256 lambda_resnet26t
byobnet: mobileone_s1 repvgg_a0 gernet_s
cait: cait_xxs24_224
coat: coat_tiny
convit: convit_tiny
convmixer: convmixer_768_32
convnext: convnext_atto convnextv2_atto
cpubone: cpubone_nano
crossvit: crossvit_tiny_240
csatv2: csatv2
cspnet: cs3darknet_focus_s cspresnet50
cspnext: cspnext_tiny
davit: davit_tiny
deit: deit_tiny_distilled_patch16_224 deit3_small_patch16_224
densenet: densenet121 densenetblur121d
dla: dla46x_c
dpn: dpn48b dpn68
edgenext: edgenext_xx_small
efficientformer: efficientformer_l1
efficientformer_v2: efficientformerv2_s0
efficientnet: efficientnet_b0 mixnet_s mobilenetv2_035 mnasnet_small tf_efficientnetv2_b0
efficientvim: efficientvim_m1
efficientvit_mit: efficientvit_b0
efficientvit_msra: efficientvit_m0
eva: eva02_tiny_patch14_224 vit_tiny_patch16_dinov3_qkvb
fasternet: fasternet_t0
fastvit: fastvit_t8
focalnet: focalnet_tiny_srf
gcvit: gcvit_xxtiny
ghostnet: ghostnet_050 ghostnetv3_050
hardcorenas: hardcorenas_a
hgnet: hgnetv2_b0
hiera: hiera_tiny_224
hieradet_sam2: sam2_hiera_tiny
hrnet: hrnet_w18_small
iformer: iformer_t
inception_next: inception_next_atto
inception_resnet_v2: inception_resnet_v2
inception_v3: inception_v3
inception_v4: inception_v4
lcnetv2: lcnetv2_small
levit: levit_128s levit_conv_128s
lowformer: lowformer_b0
mambaout: mambaout_femto
maxxvit: test_coatnet test_maxvit
metaformer: poolformerv2_s12 caformer_s18
mlp_mixer: gmlp_ti16_224 gmixer_12_224 resmlp_12_224 mixer_s32_224
mobilenetv3: mobilenetv3_small_050 lcnet_035 fbnetc_100
mobilenetv5: mobilenetv5_base
mobilevit: mobilevit_xxs mobilevitv2_050
mvitv2: mvitv2_tiny
naflexvit: naflexvit_base_patch16_gap
nasnet: nasnetalarge
nest: nest_tiny
nextvit: nextvit_small
nfnet: nf_regnet_b0 dm_nfnet_f0
pit: pit_ti_224
pnasnet: pnasnet5large
pvt_v2: pvt_v2_b0
qwen3_vit: qwen3_vit_88m
rdnet: rdnet_tiny
regnet: regnetx_002 regnety_002
repghost: repghostnet_050
repvit: repvit_m0_9
res2net: res2net50_14w_8s
resnest: resnest14d
resnet: resnet10t seresnet18 ecaresnet26t
resnetv2: resnetv2_18
rexnet: rexnet_100
selecsls: selecsls42
senet: legacy_seresnet18
sequencer: sequencer2d_s
shvit: shvit_s1
sknet: skresnet18
starnet: starnet_s050
swiftformer: swiftformer_xs
swin_transformer: swin_tiny_patch4_window7_224
swin_transformer_v2: swinv2_tiny_window8_256
swin_transformer_v2_cr: swinv2_cr_tiny_224
tiny_vit: tiny_vit_5m_224
tnt: tnt_s_patch16_224
tresnet: tresnet_m
twins: twins_svt_small twins_pcpvt_small
vgg: vgg11_bn
visformer: visformer_tiny
vision_transformer: vit_tiny_patch16_224
vision_transformer_hybrid: vit_tiny_r_s16_p8_224
vision_transformer_relpos: vit_relpos_small_patch16_224
vision_transformer_sam: samvit_base_patch16_224
vitamin: vitamin_small_224
volo: volo_d1_224
vovnet: ese_vovnet19b_slim_dw
xception: legacy_xception
xception_aligned: xception41p
xcit: xcit_nano_12_p8_224
"""

#: What else the constructor needs, so that a network stays small.
ARGUMENTS: dict[str, dict[str, Any]] = {}

#: Pixels of networks that need others.
NEEDS: dict[str, int] = {"halonet_h1": 256}


def cases() -> list[Case]:
    """Return the members of each family, in timm's order."""
    names = [name for line in MEMBERS.splitlines() for name in line.partition(":")[2].split()]
    return [Case("timm", name, partial(_make, name)) for name in names]


def _make(name: str) -> tuple[nn.Module, Tensor]:
    model = timm.create_model(name, pretrained=False, **ARGUMENTS.get(name, {}))
    facts: Any = model.default_cfg
    pixels = NEEDS.get(name) or (facts["input_size"][-1] if facts["fixed_input_size"] else PIXELS)
    return model, torch.randn(2, 3, pixels, pixels)
